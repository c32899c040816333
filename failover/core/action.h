// What the machine wants done. The shell carries actions out in this order; none of them blocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "failover/core/event.h"

namespace tandemq::failover {

enum class ActionKind : std::uint8_t {
  order_broker,    // `order`, answered by an order_done event
  kill_broker,     // SIGKILL by process descriptor, answered by broker_lost
  set_track,       // `on`: node eligible for the address, else keepalived goes to FAULT; `claim`
  take_address,    // put the virtual address on this host: keepalived would, later
  remove_address,  // take the virtual address off this host: keepalived cannot
  announce,        // the address is served here: tell the neighbours (gratuitous ARP)
  send_report,     // to the peer, at once, over every path
  ask_status,      // of the broker, at once: what is known of it may be old
  transition,      // for log, history, metrics, webhook: from, to, cause, why
  alarm,           // something an operator should look at: why
  reply            // to operator order `request`: ok, why
};

struct Action {
  ActionKind kind = ActionKind::send_report;
  Order order = Order::none;
  bool on = false;           // set_track: eligible; reply: ok; order promote: force
  unsigned claim = 0;        // set_track
  Epoch epoch = 0;           // order promote: at least this one
  std::uint64_t change = 0;  // order solo or promote: the broker's episode that it is for, 0 any
  TimeMs deadline = 0;       // order promote: not after
  const char* by = "";       // order solo: who gave the authority
  std::uint64_t request = 0;
  Phase from = Phase::starting;
  Phase to = Phase::starting;
  EventKind cause = EventKind::tick;
  TimeMs lost_at = 0;  // transition: last sign of life of what is being replaced
  std::string why;
};
using Actions = std::vector<Action>;

}  // namespace tandemq::failover
