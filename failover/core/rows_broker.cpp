#include "failover/core/table.h"

namespace tandemq::failover {
namespace {

using enum Phase;
using enum EventKind;
using namespace guard;

constexpr PhaseSet kAny = PhaseSet::all();
constexpr PhaseSet kServing{primary, waiting, switching};
constexpr PhaseSet kBelow{starting,  waiting_for_peer, out_of_sync, standby, asking,
                          promoting, released,         broker_down, fenced};

const Row kBrokerRows[] = {
    {kAny,
     broker_hung,
     {},
     killing,
     {Do::kill, Do::withdraw, Do::alarm},
     "the broker's loop did not answer in time: it is killed before anybody else may serve"},
    {{released, broker_down}, broker_lost, {}, {}, {}, "there is still no broker process"},
    {kAny,
     broker_lost,
     {&was_primary, &maybe_solo},
     broker_down,
     {Do::withdraw, Do::reply_failed},
     "the broker died while it may have committed alone: nobody else holds all, it must come back"},
    {kAny,
     broker_lost,
     {&was_primary},
     released,
     {Do::withdraw, Do::reply_failed, Do::remove_address},
     "the broker died as primary of a whole pair: the peer may take over at once"},
    {{out_of_sync, waiting_for_peer},
     broker_lost,
     {&stood_down},
     released,
     {Do::withdraw, Do::reply_failed},
     "the broker ended behind a hand-over that nobody took: the peer may take over at once"},
    {kAny,
     broker_lost,
     {},
     broker_down,
     {Do::withdraw, Do::reply_failed},
     "there is no broker process"},

    {kBelow,
     {},
     {&role_primary},
     primary,
     {Do::withdraw, Do::reply_ok},
     "the broker serves as primary"},
    {{switching},
     {},
     {&role_standby},
     out_of_sync,
     {Do::yield_address},
     "the broker has stopped serving and hands over, as ordered"},
    {kServing,
     {},
     {&role_standby},
     out_of_sync,
     {Do::withdraw, Do::yield_address},
     "the broker stepped down by itself: another node reigns"},
    {kServing,
     {},
     {&role_fenced, &maybe_solo},
     fenced,
     {Do::withdraw, Do::alarm, Do::reply_failed},
     "the broker fenced itself after it may have committed alone"},
    {{primary, waiting, switching, demoting},
     {},
     {&role_fenced},
     released,
     {Do::withdraw, Do::alarm, Do::reply_failed},
     "the broker fenced itself as primary of a whole pair: the peer may take over at once"},
    {{starting, waiting_for_peer, out_of_sync, standby, asking, promoting, broker_down},
     {},
     {&role_fenced},
     fenced,
     {Do::withdraw, Do::alarm, Do::reply_failed},
     "the broker is fenced"},
    {{fenced}, {}, {&role_standby}, waiting_for_peer, {}, "the broker is no longer fenced"},

    {{starting, broker_down, waiting_for_peer, out_of_sync, standby},
     {},
     {&owes_lose_sync},
     {},
     {Do::lose_sync},
     "the peer was allowed to go solo while this broker was away: it is no longer in sync"},
    {{starting},
     {},
     {&role_standby},
     waiting_for_peer,
     {},
     "the broker is up as standby; no primary is known yet"},
    {{broker_down},
     {},
     {&role_standby},
     waiting_for_peer,
     {},
     "the broker is back as standby; no primary is known yet"},
};

}  // namespace

std::span<const Row> broker_rows() {
  return kBrokerRows;
}

}  // namespace tandemq::failover
