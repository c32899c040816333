// The commands of the control socket (docs/control-protocol.md): JSON lines to Orders and back.
#pragma once

#include <memory>
#include <string>

#include "broker/base/result.h"
#include "broker/shell/orders.h"

struct event_base;

namespace tandemq::broker {

class Control {
 public:
  // `orders` outlives it. An error (code 3) says why the socket cannot be opened.
  static Result<std::unique_ptr<Control>> open(event_base* base, const std::string& path,
                                               Orders& orders);
  virtual ~Control() = default;

  // Tells those who watch when role, pair state, peer_connected, in_sync or busy differ from
  // before.
  virtual void announce() = 0;
  // The loop is about to stand still or to end: brings out what was said.
  virtual void flush() = 0;
};

}  // namespace tandemq::broker
