// The service interface and the virtual addresses on it, by netlink: changes are events, and the
// addresses can be put on and taken off without a child process when keepalived cannot do it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "failover/shell/loop.h"
#include "failover/shell/socket_address.h"

struct nlmsghdr;

namespace tandemq::failover {

class AddressWatch {
 public:
  struct Callbacks {
    std::function<void(bool up)> interface;
    std::function<void(bool holds)> address;  // the first of the addresses
    std::function<void()> replaced;           // another interface has taken the name
  };
  static Result<std::unique_ptr<AddressWatch>> open(event_base* base, const std::string& interface,
                                                    const std::vector<std::string>& addresses,
                                                    Callbacks callbacks);

  bool interface_up() const { return up_; }
  bool holds() const { return holds_; }
  // Puts every virtual address on the interface, as keepalived does; or takes them off. Those that
  // are there already, or missing, are no error.
  void add();
  void remove();

 private:
  AddressWatch(std::string interface, Callbacks callbacks)
      : interface_(std::move(interface)), callbacks_(std::move(callbacks)) {}
  void request_dump(int type);
  void read();
  void on_message(const nlmsghdr* message);
  void begin_dump();
  void end_dump();
  void give_up_dump();
  void on_missing();
  void on_link(const nlmsghdr* message);
  void on_address(const nlmsghdr* message);
  void learn_address(bool holds);
  void change_one(const HostAddress& address, bool add);

  std::string interface_;
  Callbacks callbacks_;
  std::vector<HostAddress> addresses_;
  Fd fd_;
  std::unique_ptr<Readable> readable_;
  unsigned sequence_ = 0;
  enum class Dump : std::uint8_t { none, interfaces, addresses };
  Dump dumping_ = Dump::none;
  unsigned dump_ = 0;   // number of the request that is being answered
  bool again_ = false;  // changes were lost meanwhile
  int index_ = 0;       // of the interface, 0: none was seen
  bool up_ = true;
  bool seen_ = false;   // the interface exists
  bool found_ = false;  // the address, since the dump began
  bool holds_ = false;
};

}  // namespace tandemq::failover
