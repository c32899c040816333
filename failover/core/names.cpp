// Words of the control protocol, the logs and the printed table.
#include "failover/core/event.h"
#include "failover/core/table.h"

namespace tandemq::failover {

const char* to_string(Role role) {
  switch (role) {
    case Role::standby:
      return "standby";
    case Role::primary:
      return "primary";
    case Role::fenced:
      return "fenced";
  }
  return "";
}

const char* to_string(PairState state) {
  switch (state) {
    case PairState::paired:
      return "paired";
    case PairState::waiting:
      return "waiting";
    case PairState::solo:
      return "solo";
    case PairState::resyncing:
      return "resyncing";
  }
  return "";
}

const char* to_string(Vrrp vrrp) {
  switch (vrrp) {
    case Vrrp::unknown:
      return "UNKNOWN";
    case Vrrp::backup:
      return "BACKUP";
    case Vrrp::master:
      return "MASTER";
    case Vrrp::fault:
      return "FAULT";
  }
  return "";
}

const char* to_string(Order order) {
  switch (order) {
    case Order::none:
      return "none";
    case Order::promote:
      return "promote";
    case Order::solo:
      return "solo";
    case Order::demote:
      return "demote";
    case Order::lose_sync:
      return "lose_sync";
    case Order::switchover:
      return "switchover";
  }
  return "";
}

const char* to_string(EventKind kind) {
  static constexpr const char* kNames[kEventKinds] = {"tick",
                                                      "broker_up",
                                                      "broker_status",
                                                      "broker_disconnected",
                                                      "broker_lost",
                                                      "broker_hung",
                                                      "order_done",
                                                      "vrrp",
                                                      "two_masters",
                                                      "address",
                                                      "interface",
                                                      "keepalived_up",
                                                      "keepalived_lost",
                                                      "peer_report",
                                                      "peer_unproven",
                                                      "gateway",
                                                      "authority_granted",
                                                      "authority_denied",
                                                      "operator_promote",
                                                      "operator_solo",
                                                      "operator_switchover"};
  return kNames[static_cast<unsigned>(kind)];
}

const char* to_string(Do action) {
  switch (action) {
    case Do::none:
      return "";
    case Do::ask_take_over:
      return "ask authority: take over";
    case Do::ask_cold_start:
      return "ask authority: serve";
    case Do::ask_solo:
      return "ask authority: go solo";
    case Do::withdraw:
      return "drop our question";
    case Do::promote:
      return "order promote";
    case Do::promote_by_operator:
      return "order promote (operator)";
    case Do::go_solo:
      return "order solo";
    case Do::go_solo_by_operator:
      return "order solo (operator)";
    case Do::demote:
      return "order demote";
    case Do::lose_sync:
      return "order lose_sync";
    case Do::owe_lose_sync:
      return "remember: lose_sync when it returns";
    case Do::switchover:
      return "order switchover";
    case Do::kill:
      return "kill the broker";
    case Do::remove_address:
      return "remove the address if keepalived died";
    case Do::yield_address:
      return "let the address go for a moment";
    case Do::grant:
      return "grant the peer's question";
    case Do::back_off:
      return "back off 0.5 s";
    case Do::alarm:
      return "alarm";
    case Do::reply_ok:
      return "reply: done";
    case Do::reply_failed:
      return "reply: refused";
  }
  return "";
}

}  // namespace tandemq::failover
