// Random faults, within what the commit rule promises to survive.
#pragma once

#include "tests/sim/world.h"

namespace tandemq::sim {

class Faults {
 public:
  explicit Faults(World& world) : world_(world) {}
  // One more; what it breaks is mended again some time later.
  void one();

 private:
  void crash(unsigned side);
  void power(unsigned side);
  void partition();
  void slow();
  void clients(unsigned side);
  void client();
  void disk(unsigned side);
  void slow_disk(unsigned side);
  void between_actions(unsigned side);
  void folds(unsigned side);
  void agent(unsigned side);
  void pause(unsigned side);
  void service(unsigned side);
  void mend_later(std::function<void()> mend);
  bool may_lose_power(unsigned side) const;
  bool both_may_lose_power() const;

  World& world_;
};

// A whole run of one seed. Empty, or what went wrong.
struct RunResult {
  std::string violation;
  std::uint64_t published = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t delivered = 0;
  std::uint64_t hashes = 0;
  TimeUs time = 0;
  std::vector<std::string> trace;
};
struct RunConfig {
  std::uint64_t seed = 1;
  unsigned steps = 30;  // faults
  Broken broken = Broken::nothing;
  bool trace = false;
  bool messages = false;
};
RunResult run_seed(const RunConfig& config);

}  // namespace tandemq::sim
