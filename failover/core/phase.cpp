#include "failover/core/phase.h"

#include "broker/base/check.h"

namespace tandemq::failover {
namespace {

struct PhaseRow {
  Phase phase;
  const char* name;
  Eligible eligible;
  const char* description;
};

// `keep`: as it was, so that a restart of the agent moves nothing, and so that a broker that is
// demoted or killed can still tell its clients (docs/decisions). `unless_peer_can`: the address
// waits here for the broker's restart when nobody else could serve it.
constexpr PhaseRow kPhaseRows[kPhases] = {
    {Phase::starting, "starting", Eligible::keep, "the broker has not been seen yet"},
    {Phase::waiting_for_peer, "waiting_for_peer", Eligible::keep,
     "no primary is known: who it shall be is being asked"},
    {Phase::out_of_sync, "out_of_sync", Eligible::no,
     "there is a primary, and this node could not replace it without loss"},
    {Phase::standby, "standby", Eligible::yes, "in sync, follows the primary, may take over"},
    {Phase::asking, "asking", Eligible::yes,
     "the primary is gone: authority to take over is being asked"},
    {Phase::promoting, "promoting", Eligible::keep, "authority is here, the broker has its order"},
    {Phase::primary, "primary", Eligible::yes, "serves: paired, resyncing or solo"},
    {Phase::waiting, "waiting", Eligible::yes,
     "primary without its standby: authority to go on alone is being asked"},
    {Phase::switching, "switching", Eligible::yes, "planned hand-over to the peer"},
    {Phase::demoting, "demoting", Eligible::keep, "the broker is told to stop serving"},
    {Phase::killing, "killing", Eligible::keep,
     "the broker hangs: it is killed before anybody else may serve"},
    {Phase::released, "released", Eligible::unless_peer_can,
     "was primary, serves no more, the peer may take over at once"},
    {Phase::broker_down, "broker_down", Eligible::unless_peer_can,
     "no broker process, and nothing to hand over"},
    {Phase::fenced, "fenced", Eligible::no,
     "the broker refuses to serve until the operator has looked at it"},
};

const PhaseRow& row_of(Phase phase) {
  const PhaseRow& row = kPhaseRows[static_cast<unsigned>(phase)];
  TMQ_CHECK(row.phase == phase);
  return row;
}

}  // namespace

const char* to_string(Phase phase) {
  return row_of(phase).name;
}
const char* describe(Phase phase) {
  return row_of(phase).description;
}
Eligible eligible_in(Phase phase) {
  return row_of(phase).eligible;
}

const char* to_string(Eligible eligible) {
  switch (eligible) {
    case Eligible::no:
      return "no";
    case Eligible::yes:
      return "yes";
    case Eligible::keep:
      return "as before";
    case Eligible::unless_peer_can:
      return "as before, unless the peer can serve";
  }
  return "";
}

}  // namespace tandemq::failover
