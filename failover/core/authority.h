// Who may serve, and who may go on alone. The machine asks with an Inquiry; the policy answers now
// or later, and the answer reaches the machine as an event. Policies that need the outside world
// (a witness, a fence) start their work in ask() and give their verdict in judge() when they have
// it; the two below decide from what the agent knows.
#pragma once

#include <memory>
#include <string>

#include "failover/core/state.h"

namespace tandemq::failover {

struct Verdict {
  enum Kind : std::uint8_t { pending, granted, denied } kind = pending;
  bool alone = false;
  TimeMs deadline = 0;
  const char* by = "";
  std::string why;  // also while pending: what is being waited for
};

class Authority {
 public:
  virtual ~Authority() = default;
  virtual const char* name() const = 0;
  // A new inquiry; the one before is dropped. Purpose none: nothing is being asked any more.
  virtual void ask(const Inquiry&) {}
  // Called after every event while an inquiry runs.
  virtual Verdict judge(const State& state, const Settings& settings) = 0;
};

// What both agents agree on, and what a journal says by itself, needs no policy: the release by
// the old primary, the peer's word that it cannot be promoted, a durable solo reign.
Verdict judge_agreement(const State& state, const Settings& settings);

// Silence for long enough counts as death, while the gateway answers.
class TimeoutAuthority : public Authority {
 public:
  const char* name() const override { return "timeout"; }
  Verdict judge(const State& state, const Settings& settings) override;
};

// Where agreement does not suffice the operator decides.
class ManualAuthority : public Authority {
 public:
  const char* name() const override { return "manual"; }
  Verdict judge(const State& state, const Settings& settings) override;
};

}  // namespace tandemq::failover
