// An event loop and a folder of its own for tests of the agent's parts.
#pragma once

#include <event2/event.h>

#include <csignal>
#include <functional>

#include "failover/shell/loop.h"
#include "tests/support/temp_dir.h"

namespace tandemq::failover {

struct LoopRig {
  event_base* base = event_base_new();
  test::TempDir folder;
  LoopRig() {
    std::signal(SIGPIPE, SIG_IGN);  // as the program does
  }
  ~LoopRig() { event_base_free(base); }
  // Runs the loop until `done`, at most `limit_ms`.
  bool until(std::uint64_t limit_ms, const std::function<bool()>& done) {
    const TimeMs end = boottime_ms() + limit_ms;
    while (!done() && boottime_ms() < end) {
      event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
      const timespec pause{0, 500'000};
      nanosleep(&pause, nullptr);
    }
    return done();
  }
};

}  // namespace tandemq::failover
