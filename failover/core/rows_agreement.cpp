#include "failover/core/table.h"

namespace tandemq::failover {
namespace {

using enum Phase;
using namespace guard;

const Row kAgreementRows[] = {
    // "May I go on alone?" Yes, once our broker has answered, to an order given for this question,
    // that it can no longer be promoted. Its last status proves nothing: being called in sync may
    // be under way to it.
    {{standby},
     {},
     {&peer_asks_solo, &lose_sync_not_ordered},
     out_of_sync,
     {Do::lose_sync},
     "the primary cannot reach this broker: it gives up being in sync, so that the primary may go "
     "on alone"},
    {{waiting_for_peer, out_of_sync, released},
     {},
     {&peer_asks_solo, &sync_given_up},
     {},
     {Do::grant, Do::withdraw},
     "this broker has given up being in sync: the peer may go on alone"},
    {{waiting_for_peer, out_of_sync, released},
     {},
     {&peer_asks_solo, &role_standby, &lose_sync_not_ordered},
     {},
     {Do::lose_sync, Do::withdraw},
     "this broker gives up being in sync, so that the peer may go on alone"},
    {{broker_down, released},
     {},
     {&peer_asks_solo, &broker_gone},
     {},
     {Do::owe_lose_sync, Do::grant},
     "this broker is not there, and will be out of sync when it returns"},
    {{fenced},
     {},
     {&peer_asks_solo},
     {},
     {Do::owe_lose_sync, Do::grant},
     "this broker is fenced, and will be out of sync when it returns"},

    // "May I serve?" Yes, when nobody serves here and the peer's journal is the one to go on with.
    {{waiting_for_peer, out_of_sync, standby, released, broker_down, fenced},
     {},
     {&peer_asks_promote},
     {},
     {Do::grant, Do::withdraw},
     "the peer's journal comes first: it may serve"},
};

}  // namespace

std::span<const Row> agreement_rows() {
  return kAgreementRows;
}

}  // namespace tandemq::failover
