#include "broker/shell/group_commit.h"

#include <string>

#include "broker/base/bytes.h"

namespace tandemq::broker {

// What a primary acknowledges that stood still while its peer was promoted, the peer does not know.
Lsn GroupCommit::prove_reign() {
  if (status_.last().pair_state == repl::PairState::solo) return 0;
  const Lsn unsent = replicator_->unsent();
  if (unsent != 0) return unsent;
  std::string body;
  put_le(body, turn_.now());
  return append(static_cast<core::Kind>(repl::ControlKind::still_reigns), body);
}

void GroupCommit::end_turn() {
  timer_.appended(last_, bytes_, turn_.begun() ? turn_.mono_ns() : monotonic_ns());
  last_ = 0;
  bytes_ = 0;
}

void GroupCommit::forget() {
  timer_.forget();
  last_ = 0;
  bytes_ = 0;
}

}  // namespace tandemq::broker
