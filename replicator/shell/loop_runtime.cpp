#include "replicator/shell/loop_runtime.h"

#include <event2/event.h>
#include <unistd.h>

#include <chrono>

#include "broker/base/check.h"
#include "broker/base/last_words.h"
#include "broker/support/log.h"

namespace tandemq::repl {
namespace {

constexpr unsigned kLastWordsMs = 500;

struct LoopTimer {
  std::function<void()> what;
  ::event* timer = nullptr;
  ~LoopTimer() { event_free(timer); }
};

}  // namespace

std::uint64_t LoopRuntime::now_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

std::uint64_t LoopRuntime::wall_s() {
  using namespace std::chrono;
  const auto now = duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
  return now > 0 ? static_cast<std::uint64_t>(now) : 0;
}

void LoopRuntime::later(std::function<void()> what) {
  const timeval now{0, 0};
  auto* kept = new std::function<void()>(std::move(what));
  event_base_once(
      base_, -1, EV_TIMEOUT,
      [](int, short, void* argument) {
        const std::unique_ptr<std::function<void()>> call(
            static_cast<std::function<void()>*>(argument));
        (*call)();
      },
      kept, &now);
}

Runtime::Timer LoopRuntime::every(std::uint32_t ms, std::function<void()> what) {
  auto timer = std::make_shared<LoopTimer>();
  timer->what = std::move(what);
  timer->timer = event_new(
      base_, -1, EV_PERSIST, [](int, short, void* self) { static_cast<LoopTimer*>(self)->what(); },
      timer.get());
  TMQ_CHECK(timer->timer != nullptr);
  const timeval interval{ms / 1000, static_cast<suseconds_t>(ms % 1000) * 1000};
  event_add(timer->timer, &interval);
  return timer;
}

void LoopRuntime::log(const char* level, const char* event, const std::string& reason) {
  if (log_) return log_(level, event, reason);
  last_words(std::string("level=") + level + " event=" + event + " reason=\"" + reason + "\"");
}

void LoopRuntime::end(int code) {
  log_drain(kLastWordsMs);
  ::_exit(code);
}

}  // namespace tandemq::repl
