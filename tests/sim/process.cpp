#include "tests/sim/process.h"

#include <utility>

#include "broker/base/check.h"

namespace tandemq::sim {

Process::Process(Clock& clock) : clock_(clock), fiber_([this] { loop(); }) {}

Process::~Process() {
  end();
}

void Process::loop() {
  try {
    while (!ending_) {
      if (todo_.empty() || stopped()) {
        idle_ = true;
        fiber_.wait();
        continue;
      }
      const auto next = std::move(todo_.front());
      todo_.pop_front();
      next();
    }
  } catch (const ProcessEnds&) {
  }
  ending_ = true;
  todo_.clear();
}

void Process::run() {
  idle_ = false;
  fiber_.resume();
  if (!fiber_.ended() || !std::exchange(*alive_, false) || !ended) return;
  clock_.after(0, std::move(ended));
}

void Process::post(std::function<void()> what) {
  if (ending_) return;
  todo_.push_back(std::move(what));
  if (idle_ && !stopped() && !fiber_.inside()) run();
}

void Process::after(TimeUs delay, std::function<void()> what) {
  clock_.after(delay, [this, alive = alive_, what = std::move(what)] {
    if (*alive) post(what);
  });
}

void Process::stand_still(TimeUs time) {
  if (ending_ || time == 0) return;
  TMQ_CHECK(fiber_.inside());
  clock_.after(time, [this, alive = alive_] {
    if (!*alive) return;
    if (stopped() && !killed_) {
      waking_ = true;
    } else {
      run();
    }
  });
  fiber_.wait();
  if (ending_ || killed_) throw ProcessEnds{};
}

void Process::stop() {
  ++stops_;
}

void Process::go_on() {
  if (--stops_ != 0 || ending_) return;
  if (std::exchange(waking_, false) || idle_) run();
}

bool Process::kill() {
  if (killed_ || ending_) return false;
  killed_ = true;
  // Also one that was stopped: in the middle of a callback only when its wait is over.
  if (!idle_ && !waking_) return false;
  end();
  return true;
}

void Process::end() {
  if (fiber_.ended()) return;
  TMQ_CHECK(!fiber_.inside());
  ending_ = true;
  *alive_ = false;
  fiber_.resume();
  TMQ_CHECK(fiber_.ended());
}

}  // namespace tandemq::sim
