// Hears keepalived's notifications: lines `INSTANCE "name" MASTER 254` on a named pipe. Opened for
// reading and writing, so that it neither blocks nor ends when keepalived goes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "broker/base/result.h"
#include "failover/core/facts.h"
#include "failover/shell/loop.h"

namespace tandemq::failover {

// Of one line, for one instance. `alarm`: MASTER_RX_LOWER_PRI, two nodes hold the address.
struct Notification {
  bool ours = false;
  bool alarm = false;
  bool state_known = false;
  Vrrp state = Vrrp::unknown;
};
Notification parse_notification(std::string_view line, std::string_view instance);

class NotifyFifo {
 public:
  using OnNotification = std::function<void(const Notification&)>;
  static Result<std::unique_ptr<NotifyFifo>> open(event_base* base, const std::string& path,
                                                  std::string instance, OnNotification heard);

 private:
  NotifyFifo(std::string instance, OnNotification heard)
      : instance_(std::move(instance)), heard_(std::move(heard)) {}
  void read();

  std::string instance_;
  OnNotification heard_;
  Fd fd_;
  std::unique_ptr<Readable> readable_;
  std::string partial_;
};

}  // namespace tandemq::failover
