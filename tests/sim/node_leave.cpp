// A node that ceases to serve or to follow in good order. As broker/shell/node_stop.cpp.
#include "tests/sim/node_life.h"

namespace tandemq::sim {
namespace {

constexpr TimeUs kCommitWait = 2 * kSecond;
constexpr TimeUs kFollowWait = 1 * kSecond;
constexpr TimeUs kLeaveLook = 5 * kMs;

}  // namespace

// The listeners close before the machine drains, and nobody is read from: when it fails, whoever is
// connected goes on.
void Node::switchover(const Told& told) {
  Life& life = *life_;
  if (!life.engine || life.draining) return told({"not primary, or under way already", 0, 0});
  life.draining = true;
  life.replicator->switchover([this, told](const Status& done) {
    life_->draining = false;
    life_->handed_over = static_cast<bool>(done);
    const std::string failed = done ? "" : done.error().message;
    place_.say(name_ + ": switchover " + (done ? "done" : "failed: " + failed));
    told({failed, status().epoch, status().change});
    life_->process.after(0, [this] { turn(); });
    if (life_->leaving) handed_over(static_cast<bool>(done));
  });
}

void Node::leave() {
  call([this] {
    if (!running() || life_->leaving) return;
    life_->leaving = true;
    life_->replicator->ending();
    if (life_->draining) return;
    if (!life_->engine) return life_->handed_over ? handed_over(true) : take_leave();
    if (status().pair_state == repl::PairState::paired) return switchover([](const Answer&) {});
    handed_over(false);
  });
}

void Node::handed_over(bool done) {
  const auto committed = [this] { return status().committed == status().last; };
  if (!done) return end_when(place_.clock.now() + kCommitWait, committed);
  life_->process.after(0, [this, until = place_.clock.now() + kFollowWait] { follow(until); });
}

// The new primary counts on whoever handed over to it, unless that one takes its leave.
void Node::follow(TimeUs until) {
  const bool followed = status().pair_state == repl::PairState::paired;
  if (followed || place_.clock.now() >= until) return take_leave();
  life_->process.after(kLeaveLook, [this, until] { follow(until); });
}

void Node::take_leave() {
  life_->replicator->leave([this] { end_when(0, [] { return true; }); });
}

void Node::end_when(TimeUs until, std::function<bool()> done) {
  if (done() || place_.clock.now() >= until) {
    return life_->process.after(1 * kMs, [] { throw ProcessEnds{}; });
  }
  life_->process.after(kLeaveLook, [=, this] { end_when(until, done); });
}

}  // namespace tandemq::sim
