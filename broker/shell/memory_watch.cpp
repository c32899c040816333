#include "broker/shell/memory_watch.h"

#include "broker/support/log.h"

namespace tandemq::broker {
namespace {

constexpr std::uint64_t kLookNs = 10'000'000;
// What was freed is given back no more often: each time costs.
constexpr std::uint64_t kRelieveTightNs = 2'000'000'000;
constexpr std::uint64_t kRelieveCriticalNs = 200'000'000;

}  // namespace

void MemoryWatch::look(std::uint64_t now_ns) {
  if (ceiling_.max() == 0 || now_ns < looked_ns_ + kLookNs) return;
  looked_ns_ = now_ns;
  if (ceiling_.look(use_.resident())) {
    tell();
    clients_.memory(ceiling_.state());
  }
  if (ceiling_.state() != MemoryState::ample) relieve(now_ns);
}

void MemoryWatch::relieve(std::uint64_t now_ns) {
  const bool critical = ceiling_.state() == MemoryState::critical;
  if (now_ns < relieved_ns_ + (critical ? kRelieveCriticalNs : kRelieveTightNs)) return;
  relieved_ns_ = now_ns;
  clients_.free_buffers(ceiling_.excess());
  give_back_freed_memory();
}

void MemoryWatch::tell() const {
  const MemoryState state = ceiling_.state();
  const char* const what =
      state == MemoryState::ample ? "publishers are read from again, new sessions are let in"
      : state == MemoryState::tight
          ? "publishers wait, new sessions, subscriptions and retained topics are refused"
          : "clients that do not read are sent away, publishers wait longer";
  log(state == MemoryState::ample ? LogLevel::notice : LogLevel::warning, "memory",
      {{"state", to_string(state)},
       {"used", ceiling_.used()},
       {"memory_max", ceiling_.max()},
       {"reason", what},
       {"remedy", state == MemoryState::ample
                      ? ""
                      : "see what queues, retained messages and unsent bytes take "
                        "(tandemqctl status, metrics); bound them, or raise limits.memory_max"}});
}

}  // namespace tandemq::broker
