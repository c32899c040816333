#include "failover/core/guards.h"

namespace tandemq::failover::guard {
namespace {

using S = const State&;
using E = const Event&;
using C = const Settings&;

bool connected_as(S s, Role role) {
  return s.facts.broker_connected && s.facts.broker.role == role;
}

bool unanswered(S s, C c, AskKind kind) {
  const Report& peer = s.facts.peer;
  return peer_fresh(s, c) && peer.ask.kind == kind && s.answer != Answer{peer.boot, peer.ask.id};
}

bool failed(E e, Order order) {
  const auto* done = std::get_if<OrderDone>(&e.data);
  return done && done->order == order && !done->ok;
}

bool may_retry(S s) {
  return s.facts.now >= s.retry_at;
}

// That the peer's keepalived is heard is no sign that anybody serves there: its agent and its
// broker say so, or nobody does. A higher claim takes the address from it.
bool address_can_come(S s) {
  return s.facts.vrrp == Vrrp::master || s.facts.vrrp == Vrrp::backup;
}

// 20 ms: a carrier that only flickers is not worth a change of roles.
bool carrier_lost(S s) {
  return !s.facts.interface_up && s.facts.now >= s.facts.interface_since + 20;
}

}  // namespace

const Guard role_primary{"the broker is primary",
                         [](S s, E, C) { return connected_as(s, Role::primary); }};
const Guard role_standby{"the broker is standby",
                         [](S s, E, C) { return connected_as(s, Role::standby); }};
const Guard role_fenced{"the broker is fenced",
                        [](S s, E, C) { return connected_as(s, Role::fenced); }};
const Guard was_primary{"it was primary",
                        [](S s, E, C) { return s.facts.broker.role == Role::primary; }};
const Guard maybe_solo{"it may have committed alone", [](S s, E, C) { return s.facts.maybe_solo; }};
const Guard not_in_sync{"the broker is not in sync",
                        [](S s, E, C) { return !s.facts.broker.in_sync; }};
const Guard following{"in sync and linked to the primary", [](S s, E, C) {
                        return counts_in_sync(s) && !s.owe_lose_sync && !s.lose_sync_pending;
                      }};
// Not what its last status says: InSync may be under way to it, or to its disk. What it answered to
// an order given after the question is what counts.
const Guard sync_given_up{"the broker gave up being in sync when it was asked", [](S s, E, C) {
                            return !s.lose_sync_pending &&
                                   s.sync_lost_for ==
                                       Answer{s.facts.peer.boot, s.facts.peer.ask.id};
                          }};
const Guard in_sync{"the broker is in sync", [](S s, E, C) { return s.facts.broker.in_sync; }};
const Guard broker_gone{"there is no broker process", [](S s, E, C) {
                          return !s.facts.broker_alive && !s.facts.broker_connected;
                        }};
// A broker that is in sync when it is first seen may have become so later: the peer is heard first.
const Guard owes_lose_sync{"the peer was allowed to go solo meanwhile", [](S s, E, C c) {
                             const bool young = s.facts.now < s.facts.in_sync_at + c.silence_ms;
                             return s.owe_lose_sync && connected_as(s, Role::standby) &&
                                    !s.lose_sync_pending && may_retry(s) &&
                                    !(counts_in_sync(s) && young);
                           }};
// As primary of a pair that was whole: what it committed the peer holds.
const Guard stood_down{
    "it stopped serving, nobody reigned since, it never went alone", [](S s, E, C c) {
      return s.stood_down && !s.facts.maybe_solo && !peer_primary(s, c) && !outreigned(s);
    }};
// A peer that accepts ends the link too, and says in a moment that it reigns.
const Guard hand_over_broke_off{
    "it stopped serving, the link is down for 100 ms, nobody reigned since, it never went alone",
    [](S s, E e, C c) {
      return stood_down.holds(s, e, c) && connected_as(s, Role::standby) &&
             !s.facts.broker.peer_connected && knows_its_broker(s) &&
             s.facts.now >= s.facts.link_down_at + 100;
    }};
const Guard just_woke{"this agent stood still and has not caught up",
                      [](S s, E, C c) { return !has_caught_up(s, c); }};
const Guard may_be_forced{"it is or was in sync, or --force", [](S s, E e, C) {
                            const auto* order = std::get_if<OperatorOrder>(&e.data);
                            return connected_as(s, Role::standby) && order &&
                                   (order->force || electable(s));
                          }};

const Guard pair_waiting{"the pair is waiting", [](S s, E, C) {
                           return connected_as(s, Role::primary) && knows_its_broker(s) &&
                                  s.facts.broker.pair_state == PairState::waiting;
                         }};
const Guard pair_not_waiting{"the pair is not waiting", [](S s, E, C) {
                               return connected_as(s, Role::primary) &&
                                      s.facts.broker.pair_state != PairState::waiting;
                             }};
const Guard may_go_alone{"its authority covers going alone",
                         [](S s, E, C) { return s.authority.alone; }};
const Guard had_its_chance{
    "the standby was there, or 1.5 s since the promotion",
    [](S s, E, C) { return s.facts.paired_once || s.facts.now >= s.facts.reign_began_at + 1500; }};
// Who went on alone before holds what nobody else has, until another reign is known. After a
// standstill the link may be up again and the primary be heard: both have that long to be read.
const Guard lease_over{"link down, lease run out, does not hold all alone", [](S s, E, C c) {
                         const BrokerStatus& b = s.facts.broker;
                         return s.facts.broker_connected && !b.peer_connected &&
                                knows_its_broker(s) && has_caught_up(s, c) && !holds_all_alone(s) &&
                                !lease_valid(s, c);
                       }};
const Guard episode_over{"what was asked for is over", [](S s, E, C) {
                           return s.inquiry.purpose == Purpose::solo &&
                                  s.inquiry.change != s.facts.broker.change;
                         }};
const Guard not_damped{"no change of roles within damping_ms",
                       [](S s, E, C c) { return !damped(s, c); }};

const Guard peer_is_primary{"the peer is primary", [](S s, E, C c) { return peer_primary(s, c); }};
// At whatever time it said so. Our own broker may have reigned later still, while this agent stood
// still: it is asked first, which an order to it would have to wait for as well.
const Guard peer_reigns_higher{
    "the peer is primary with a higher epoch", [](S s, E, C c) {
      const bool asked =
          knows_its_broker(s) || s.facts.now >= s.facts.awake_since + c.health_timeout_ms;
      return peer_primary(s, c) && s.facts.peer.epoch > s.facts.broker.epoch && asked;
    }};
const Guard peer_could_serve{"the peer is in sync and can serve", [](S s, E, C c) {
                               return peer_can_serve(s, c) && hears_the_present(s);
                             }};
const Guard peer_gave_release{"the peer's agent released the role, in sync", [](S s, E, C c) {
                                return peer_released(s, c) && s.facts.broker.in_sync &&
                                       connected_as(s, Role::standby) && !s.owe_lose_sync &&
                                       !s.lose_sync_pending && may_retry(s);
                              }};
const Guard peer_cannot{"the peer is heard and cannot take over", [](S s, E, C c) {
                          return peer_fresh(s, c) && hears_the_present(s) &&
                                 !peer_can_serve(s, c) && !peer_primary(s, c);
                        }};
const Guard primary_silent{"silence of agent and link, address can come here, lease valid",
                           [](S s, E, C c) {
                             return silent_everywhere(s, c) && address_can_come(s) &&
                                    s.facts.warm && s.facts.broker.in_sync && lease_valid(s, c) &&
                                    connected_as(s, Role::standby) && may_retry(s);
                           }};
const Guard no_primary_known{
    "no primary is known for 1 s", [](S s, E, C c) {
      const BrokerStatus& b = s.facts.broker;
      const bool follows = b.peer_connected && b.pair_state == PairState::paired;
      const bool quiet = s.phase == Phase::standby && !peer_fresh(s, c);
      return !peer_primary(s, c) && !follows && !quiet && knows_its_broker(s) &&
             has_caught_up(s, c) && s.facts.now >= s.since + 1000 &&
             s.facts.now >= s.facts.peer_primary_at + 1000;
    }};
const Guard reason_gone{"the reason to take over is gone", [](S s, E, C c) {
                          const bool silent =
                              silent_everywhere(s, c) && address_can_come(s) && lease_valid(s, c);
                          return !silent && !peer_released(s, c);
                        }};
// Only of a primary whose reign this broker knows of no successor to, itself included; and not in a
// question of long ago, for which this broker would be out of sync while nobody goes on alone. A
// broker that may have gone alone itself is no reason against a later reign, which it is to follow.
const Guard peer_asks_solo{
    "the peer, primary of the newest reign, asks to go solo", [](S s, E, C c) {
      return unanswered(s, c, AskKind::solo) && s.facts.broker_known &&
             (!s.facts.maybe_solo || outreigned(s)) && s.facts.peer.role == Role::primary &&
             s.facts.peer.epoch >= s.facts.broker.epoch && hears_the_present(s);
    }};
// A link whose other end has gone looks whole for a while; a later reign the broker follows over
// it. Not while this agent stood still: the primary may have taken the broker in since.
const Guard peer_went_alone{"the peer, primary, says that it has gone on alone", [](S s, E, C c) {
                              const BrokerStatus& b = s.facts.broker;
                              const bool claims = b.peer_connected
                                                      ? b.in_sync && s.facts.peer.epoch == b.epoch
                                                      : b.in_sync || b.was_in_sync;
                              return peer_primary(s, c) && peer_is_alone(s) &&
                                     hears_the_present(s) && connected_as(s, Role::standby) &&
                                     claims && !holds_all_alone(s) && !s.lose_sync_pending &&
                                     may_retry(s);
                            }};
// Its broker may be gone, and it silent: what it said holds until our broker was in sync once more.
const Guard peer_was_alone{"the peer went alone, by the last word of its agent", [](S s, E, C) {
                             const Facts& f = s.facts;
                             return f.peer_known && f.peer.was_solo &&
                                    f.peer.epoch >= f.broker.epoch && f.lease_from > f.in_sync_at;
                           }};
const Guard peer_asks_promote{"the peer asks to serve, its journal comes first", [](S s, E, C c) {
                                return unanswered(s, c, AskKind::promote) && s.facts.broker_known &&
                                       hears_the_present(s) && knows_its_broker(s) &&
                                       peer_outranks(s, c) && !peer_lost_alone(s);
                              }};

// Said by a report that left the peer after the address had come here.
const Guard wrong_node{"the address is here, the healthy primary is the peer", [](S s, E, C c) {
                         const Facts& f = s.facts;
                         return f.vrrp == Vrrp::master && peer_primary(s, c) &&
                                (hears_the_present(s) || has_caught_up(s, c)) &&
                                f.peer.vrrp != Vrrp::fault && f.peer.keepalived_alive &&
                                f.now >= f.vrrp_since + 100 &&
                                f.peer_heard_at >= f.vrrp_since + 50 && f.now >= s.yield_until;
                       }};
const Guard interface_down{"the service interface is down",
                           [](S s, E, C) { return carrier_lost(s); }};
const Guard keepalived_dead{"keepalived died", [](S s, E, C) { return s.facts.keepalived_died; }};
const Guard cut_off{"service interface down, peer silent, pair waiting", [](S s, E, C c) {
                      return carrier_lost(s) && !peer_fresh(s, c) && has_caught_up(s, c) &&
                             s.facts.broker.pair_state == PairState::waiting && !s.facts.maybe_solo;
                    }};

const Guard no_inquiry{"nothing is being asked", [](S s, E, C) {
                         return s.inquiry.purpose == Purpose::none && may_retry(s);
                       }};
const Guard solo_not_ordered{"no order is under way",
                             [](S s, E, C) { return s.pending == Order::none; }};
const Guard lose_sync_not_ordered{"it was not ordered yet",
                                  [](S s, E, C) { return !s.lose_sync_pending && may_retry(s); }};
const Guard done_promote_failed{"the promotion failed",
                                [](S, E e, C) { return failed(e, Order::promote); }};
const Guard done_demote_failed{"the demotion failed",
                               [](S, E e, C) { return failed(e, Order::demote); }};
const Guard done_solo_failed{"the order failed", [](S, E e, C) { return failed(e, Order::solo); }};
const Guard done_switchover{"the hand-over succeeded", [](S, E e, C) {
                              const auto* done = std::get_if<OrderDone>(&e.data);
                              return done && done->order == Order::switchover && done->ok;
                            }};
const Guard done_switchover_failed{"the hand-over failed",
                                   [](S, E e, C) { return failed(e, Order::switchover); }};
const Guard forced{"--force", [](S, E e, C) {
                     const auto* order = std::get_if<OperatorOrder>(&e.data);
                     return order && order->force;
                   }};
// What answers may wait unread where this agent stood still.
const Guard after_2s{
    "for 2 s", [](S s, E, C c) { return s.facts.now >= s.since + 2000 && has_caught_up(s, c); }};
const Guard after_20s{
    "for 20 s", [](S s, E, C c) { return s.facts.now >= s.since + 20000 && has_caught_up(s, c); }};
const Guard overdue{"for health_timeout_ms", [](S s, E, C c) {
                      return s.facts.now >= s.since + c.health_timeout_ms && has_caught_up(s, c);
                    }};

}  // namespace tandemq::failover::guard
