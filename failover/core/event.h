// What happens to an agent. Time comes in with the event; the machine never asks a clock.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "failover/core/facts.h"

namespace tandemq::failover {

enum class EventKind : std::uint8_t {
  tick,                 // time has passed; every deadline is judged here
  broker_up,            // control connection to a broker, with its first status
  broker_status,        // its status changed
  broker_disconnected,  // control connection lost, the process still exists
  broker_lost,          // the process is gone (process descriptor), or there is none at start
  broker_hung,          // alive, but its loop does not answer
  order_done,           // answer to an order to the broker
  vrrp,                 // keepalived's state (notify FIFO)
  two_masters,          // keepalived heard a master of lower priority: the peer's lives
  address,              // the virtual address came to or left this host (netlink)
  interface,            // the service network's interface lost or found its carrier (netlink)
  keepalived_up,
  keepalived_lost,
  peer_report,
  peer_unproven,  // a report of the peer's that may be of any age: only what stays true counts
  gateway,        // the gateway began or ceased to answer
  authority_granted,
  authority_denied,
  operator_promote,
  operator_solo,
  operator_switchover
};
constexpr unsigned kEventKinds = 21;
const char* to_string(EventKind kind);

enum class Order : std::uint8_t { none, promote, solo, demote, lose_sync, switchover };
const char* to_string(Order order);

struct OrderDone {
  Order order = Order::none;
  bool ok = false;
  bool refused = false;      // surely not carried out; neither ok nor refused: nobody knows
  Epoch epoch = 0;           // of a promotion
  std::uint64_t change = 0;  // after a promotion, 0 unknown
  std::string error;
};

struct PeerReport {
  Report report;
  TimeMs echo_sent_at = 0;  // when we sent what the peer has last received from us, 0 unknown
  TimeMs clock = 0;         // the peer's when it sent this, 0 unknown
};

// Permission to take over or to go on alone, from agreement with the peer's agent or from the
// configured policy (authority.h).
struct AuthorityAnswer {
  std::uint64_t inquiry = 0;
  bool alone = false;   // the permission covers going solo as well
  TimeMs deadline = 0;  // the order must be carried out before, 0 none
  const char* by = "";  // "released", "agreement", "timeout", "operator", ...
  std::string why;
};

struct OperatorOrder {
  std::uint64_t request = 0;  // named in the reply
  bool force = false;
};

struct Event {
  EventKind kind = EventKind::tick;
  TimeMs at = 0;
  std::variant<std::monostate, BrokerStatus, OrderDone, Vrrp, bool, PeerReport, AuthorityAnswer,
               OperatorOrder>
      data;
};

}  // namespace tandemq::failover
