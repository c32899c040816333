// What an agent knows: its settings, its broker, keepalived, and the peer's last word.
// Times are milliseconds of this host's CLOCK_BOOTTIME (counts while the host sleeps); 0 is
// "never".
#pragma once

#include <cstdint>

#include "broker/base/ids.h"
#include "failover/core/phase.h"

namespace tandemq::failover {

enum class Role : std::uint8_t { standby, primary, fenced };
enum class PairState : std::uint8_t { paired, waiting, solo, resyncing };
enum class Vrrp : std::uint8_t { unknown, backup, master, fault };
enum class ColdStart : std::uint8_t { wait, serve };
const char* to_string(Role role);
const char* to_string(PairState state);
const char* to_string(Vrrp vrrp);

// How strongly a node that may hold the address claims it: 0 beside a primary, from 1 on as one. A
// reign that begins claims more than the one before, which may be asleep and wake.
constexpr unsigned kClaimMax = 3;

struct Settings {
  unsigned index = 1;              // this node's; the peer has the other of 1 and 2
  std::uint64_t boot = 1;          // number of this life of the agent, unique among its lives
  std::uint64_t silence_ms = 300;  // the peer counts as silent after this on every path
  std::uint64_t in_sync_lease_ms = 1100;
  std::uint64_t damping_ms = 10000;
  std::uint64_t health_timeout_ms = 300;
  ColdStart cold_start = ColdStart::wait;
  bool silence_decides = true;  // the authority may take silence for death: leases run out

  // What clocks of two hosts may drift apart during a lease (5 %), and what an order may take.
  std::uint64_t lease_margin_ms() const { return in_sync_lease_ms / 20 + 250; }
};

// The part of the broker's status that decisions need (docs/control-protocol.md).
struct BrokerStatus {
  Role role = Role::standby;
  PairState pair_state = PairState::waiting;
  Epoch epoch = 0;
  Lsn last_lsn = 0;
  bool in_sync = false;      // may be promoted without force
  bool was_in_sync = false;  // its durable claim, which its peer has not confirmed since it started
  bool was_solo = false;
  bool peer_connected = false;
  std::uint64_t peer_silent_ms = 0;  // on the replication link
  std::uint64_t change = 0;  // number of the episode of role, pair state and word to the peer
  TimeMs asked_at = 0;       // when it was asked for, 0: it came by itself, and may have waited
  bool lost_alone = false;   // it was solo, and its state is unusable: nobody holds all any more
};

// A question to the peer's agent, in every report until it is answered or dropped.
enum class AskKind : std::uint8_t { none, promote, solo };
struct Ask {
  AskKind kind = AskKind::none;
  std::uint64_t id = 0;  // grows within one life of the asking agent
  bool operator==(const Ask&) const = default;
};

// "Granted", to the question `id` of the agent's life `boot`. There is no refusal: silence is one.
struct Answer {
  std::uint64_t boot = 0;
  std::uint64_t id = 0;
  bool operator==(const Answer&) const = default;
};

// What one agent tells the other, at every heartbeat and at once when it changes.
struct Report {
  std::uint64_t boot = 0;
  Phase phase = Phase::starting;
  bool broker_known = false;  // the broker's figures below were seen, or are remembered
  bool broker_alive = false;
  Role role = Role::standby;
  PairState pair_state = PairState::waiting;
  Epoch epoch = 0;
  Lsn last_lsn = 0;
  bool in_sync = false;
  bool was_in_sync = false;
  bool was_solo = false;
  Vrrp vrrp = Vrrp::unknown;
  bool keepalived_alive = false;
  bool holds_address = false;
  unsigned claim = 0;     // to the address
  bool released = false;  // broker dead or standing by, was never solo since it was last paired,
                          // and will not be promoted before the peer has granted that
  std::uint64_t in_sync_lease_ms = 0;  // as configured there, 0 not told
  Ask ask;
  Answer answer;
  bool operator==(const Report&) const = default;
};

struct Facts {
  TimeMs now = 0;
  TimeMs started_at = 0;
  TimeMs awake_since = 0;  // the agent itself stood still until then: what it missed waits unread
  TimeMs restless_since = 0;  // ... then after a quiet time: others have followed it since

  bool broker_known = false;      // `broker` was seen in this life of the agent, or is remembered
  bool broker_alive = false;      // its process exists
  bool broker_connected = false;  // its control connection answers
  BrokerStatus broker;
  TimeMs broker_asked_at = 0;  // when the newest call was sent that its status has answered
  // Seen in sync and linked to the primary in this life of both processes, and since then neither
  // primary itself nor one that let the peer serve.
  bool warm = false;
  bool maybe_solo = false;   // as primary it may have committed records alone
  bool paired_once = false;  // in this reign: the standby was there
  TimeMs reign_began_at = 0;
  bool reigned = false;  // was primary in this life of the agent, and no other node since

  Vrrp vrrp = Vrrp::unknown;
  TimeMs vrrp_since = 0;
  bool vrrp_told = false;  // by keepalived, which says nothing before its next change
  bool keepalived_alive = false;
  bool holds_address = false;
  bool keepalived_died = false;  // and has not come back; a missing one at start has not died
  bool interface_up = true;      // of the service network
  TimeMs interface_since = 0;
  bool gateway_answers = true;
  TimeMs gateway_since = 0;

  bool peer_known = false;
  Report peer;
  TimeMs peer_heard_at = 0;    // on any path between the agents
  Epoch peer_reign = 0;        // the newest reign of the peer that was heard of
  TimeMs peer_primary_at = 0;  // when it last said that its broker serves
  TimeMs rival_heard_at = 0;   // its keepalived, as master beside ours
  TimeMs link_heard_at = 0;    // on the replication link, by the broker
  TimeMs link_down_at = 0;     // when we learned that the broker's link is down
  TimeMs in_sync_at = 0;       // when we learned that the broker is in sync
  TimeMs lease_from = 0;       // when we sent the newest report that the peer says it has received
  TimeMs lease_there = 0;      // by the peer's clock: when it first said so
  TimeMs paused_there = 0;  // of it what our clock stood still for, as far as it is accounted for
  TimeMs clock_there = 0;   // the peer's clock when it spoke last, 0 not told
};

}  // namespace tandemq::failover
