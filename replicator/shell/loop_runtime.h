// The driver's Runtime on libevent and the clocks of the host.
#pragma once

#include "replicator/driver/ports.h"
#include "replicator/driver/replicator.h"

struct event_base;

namespace tandemq::repl {

class LoopRuntime final : public Runtime {
 public:
  LoopRuntime(event_base* base, decltype(ReplicatorConfig::log) log)
      : base_(base), log_(std::move(log)) {}

  std::uint64_t now_ms() override;
  std::uint64_t wall_s() override;
  void later(std::function<void()> what) override;
  Timer every(std::uint32_t ms, std::function<void()> what) override;
  void log(const char* level, const char* event, const std::string& reason) override;
  [[noreturn]] void end(int code) override;

 private:
  event_base* base_;
  const decltype(ReplicatorConfig::log) log_;
};

}  // namespace tandemq::repl
