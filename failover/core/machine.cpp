#include "failover/core/fsm.h"

namespace tandemq::failover {

Machine::Machine(Settings settings, std::unique_ptr<Authority> authority, TimeMs now, bool eligible,
                 unsigned claim, const Memory& memory)
    : settings_(settings), authority_(std::move(authority)) {
  state_.facts.now = state_.facts.started_at = state_.since = now;
  state_.eligible = eligible;
  state_.claim = claim;
  state_.eligible_since = now;
  recall(memory, state_);
}

Actions Machine::handle(const Event& event) {
  Actions actions = step(state_, event, settings_);
  // An answer may raise the next question (promoted, then alone): two rounds at most matter.
  for (int round = 0; round < 4; ++round) {
    if (state_.inquiry.id != asked_ || state_.inquiry.purpose == Purpose::none) {
      authority_->ask(state_.inquiry);
      asked_ = state_.inquiry.id;
    }
    waiting_for_.clear();
    if (state_.inquiry.purpose == Purpose::none) break;
    Verdict verdict = authority_->judge(state_, settings_);
    waiting_for_ = verdict.why;
    if (verdict.kind == Verdict::pending) break;
    const bool granted = verdict.kind == Verdict::granted;
    AuthorityAnswer answer{state_.inquiry.id, verdict.alone, verdict.deadline, verdict.by,
                           std::move(verdict.why)};
    Event told{granted ? EventKind::authority_granted : EventKind::authority_denied, event.at,
               std::move(answer)};
    Actions more = step(state_, told, settings_);
    actions.insert(actions.end(), more.begin(), more.end());
  }
  return actions;
}

}  // namespace tandemq::failover
