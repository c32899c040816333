// The conditions that rows of the table are guarded by, each with the words that the printed table
// shows. Pure functions of what the agent knows.
#pragma once

#include "failover/core/state.h"

namespace tandemq::failover {

struct Guard {
  const char* words;
  bool (*holds)(const State&, const Event&, const Settings&);
};

// Conditions that the authority policies need as well.
bool peer_fresh(const State& s, const Settings& set);      // its agent is heard
bool peer_primary(const State& s, const Settings& set);    // heard, and its broker serves
bool peer_can_serve(const State& s, const Settings& set);  // heard, and could take over from us
bool peer_released(const State& s, const Settings& set);
bool silent_everywhere(const State& s, const Settings& set);
TimeMs peer_silent_since(const State& s);  // last sign of life on any path, at least our own start
TimeMs lease_ms(const State& s, const Settings& set);  // the shorter one of both agents'
bool lease_valid(const State& s, const Settings& set);
bool peer_is_alone(const State& s);
bool damped(const State& s, const Settings& set);    // roles have just changed
bool flapping(const State& s, const Settings& set);  // the peer comes and goes, and lives
bool answered(const State& s, const Settings& set);  // the peer granted our running inquiry
// The peer began a reign above our broker's, and the brokers have not found that it left nothing.
bool outreigned(const State& s);
bool counts_in_sync(const State& s);  // our broker, by its link to the primary
// Our journal may be served without the peer's word on it.
bool electable(const State& s);
// Our broker was the only one to serve when it last served, and no reign of the peer is known
// since.
bool holds_all_alone(const State& s);
// What the peer says now is not what waited unread while this agent stood still.
bool hears_the_present(const State& s);
// What our broker has said last is not what waited unread either: a status came that was asked for
// since. Of a broker without a connection nothing else can be known.
bool knows_its_broker(const State& s);
// What waited has been read; who is alive has been heard since.
bool has_caught_up(const State& s, const Settings& set);
// No process of our broker's came while this agent stood still and is not known of yet.
bool sees_every_process(const State& s);
bool fresh_pair(const State& s);  // both journals are empty: either node may begin
// Its disk is new, ours is not: what it held and did before, nobody can tell.
bool peer_is_empty(const State& s);
// It went on alone and is unusable: it is not to be promoted, and holds what nobody else has.
bool peer_lost_alone(const State& s);
bool outranks_peer(const State& s, const Settings& set);  // ours is the journal to continue
bool peer_outranks(const State& s, const Settings& set);

namespace guard {
// own broker
extern const Guard role_primary, role_standby, role_fenced, was_primary, maybe_solo, not_in_sync,
    following, sync_given_up, in_sync, broker_gone, owes_lose_sync, may_be_forced, stood_down,
    hand_over_broke_off, just_woke;
// pair
extern const Guard pair_waiting, pair_not_waiting, may_go_alone, had_its_chance, lease_over,
    not_damped, episode_over;
// peer
extern const Guard peer_is_primary, peer_reigns_higher, peer_could_serve, peer_gave_release,
    peer_cannot, primary_silent, no_primary_known, reason_gone, peer_asks_solo, peer_asks_promote,
    peer_went_alone, peer_was_alone;
// keepalived
extern const Guard wrong_node, interface_down, keepalived_dead, cut_off;
// orders and time
extern const Guard no_inquiry, solo_not_ordered, lose_sync_not_ordered, done_promote_failed,
    done_demote_failed, done_solo_failed, done_switchover, done_switchover_failed, forced, after_2s,
    after_20s, overdue;
}  // namespace guard

}  // namespace tandemq::failover
