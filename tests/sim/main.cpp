// tandemq-sim: runs seeds of the simulator, replays one, or plays a scenario file.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/faults.h"
#include "tests/sim/scenario.h"

namespace {

using namespace tandemq::sim;

const std::map<std::string, Broken> kBroken = {
    {"nothing", Broken::nothing}, {"commit", Broken::commit}, {"dedup", Broken::dedup},
    {"fence", Broken::fence},     {"sync", Broken::sync},     {"apply", Broken::apply},
    {"order", Broken::order}};

struct Options {
  std::string seeds = "1..200";
  std::uint64_t seed = 0;
  unsigned steps = 30;
  bool trace = false;
  bool messages = false;
  std::string broken = "nothing";
  bool expect_violation = false;  // the exit code is turned round; ends with the first one
};

void tell(const Options& options, std::uint64_t seed, const RunResult& result) {
  if (!options.trace) {
    for (const std::string& line : result.trace) std::printf("%s\n", line.c_str());
  }
  std::printf("seed %llu: VIOLATION: %s\n", static_cast<unsigned long long>(seed),
              result.violation.c_str());
  const std::string broken = options.broken == "nothing" ? "" : " --break " + options.broken;
  std::printf("replay: tandemq-sim --seed %llu --steps %u%s --trace\n",
              static_cast<unsigned long long>(seed), options.steps, broken.c_str());
}

int run_seeds(const Options& options, std::uint64_t first, std::uint64_t last) {
  const auto began = std::chrono::steady_clock::now();
  RunResult sum;
  unsigned failed = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const RunResult result = run_seed(
        {seed, options.steps, kBroken.at(options.broken), options.trace, options.messages});
    sum.published += result.published;
    sum.acknowledged += result.acknowledged;
    sum.delivered += result.delivered;
    sum.hashes += result.hashes;
    sum.time += result.time;
    if (result.violation.empty()) continue;
    ++failed;
    if (options.expect_violation) {
      std::printf("noticed by seed %llu: %s\n", static_cast<unsigned long long>(seed),
                  result.violation.c_str());
      break;
    }
    tell(options, seed, result);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const auto n = [](std::uint64_t number) { return static_cast<unsigned long long>(number); };
  std::printf("seeds=%llu failed=%u published=%llu acknowledged=%llu delivered=%llu ",
              n(last - first + 1), failed, n(sum.published), n(sum.acknowledged), n(sum.delivered));
  std::printf("states_compared=%llu virtual_s=%llu real_s=%.1f\n", n(sum.hashes),
              n(sum.time / kSecond), took.count());
  if (options.expect_violation) {
    std::printf("%d passed, %d failed\n", failed != 0, failed == 0);
    return failed != 0 ? 0 : 1;
  }
  std::printf("%llu passed, %u failed\n", n(last - first + 1 - failed), failed);
  return failed == 0 ? 0 : 1;
}

int play(const std::vector<std::string>& paths, bool update, bool print) {
  int failed = 0;
  for (const std::string& path : paths) {
    const tandemq::Status played = play_scenario(path, update, print);
    if (played) continue;
    std::printf("%s\n", played.error().message.c_str());
    ++failed;
  }
  std::printf("%zu passed, %d failed\n", paths.size() - static_cast<std::size_t>(failed), failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Simulates a pair with its clients on virtual time, network and disk.");
  Options options;
  app.add_option("--seeds", options.seeds, "A..B, or N for 1..N; default 1..200")
      ->envname("SIM_SEEDS");
  app.add_option("--seed", options.seed, "one seed");
  app.add_option("--steps", options.steps, "faults in a run");
  app.add_flag("--trace,--verbose", options.trace, "print everything that happens");
  app.add_flag("--messages", options.messages, "with the messages between the nodes");
  app.add_option("--break", options.broken, "break something, to see that it is noticed")
      ->check(CLI::IsMember(kBroken));
  app.add_flag("--expect-violation", options.expect_violation, "fail when none is found");
  std::vector<std::string> scenarios;
  bool update = false;
  app.add_option("--scenario", scenarios, "play scenario files and compare with their .golden");
  app.add_flag("--update", update, "write the .golden files anew");
  CLI11_PARSE(app, argc, argv);
  if (!scenarios.empty()) return play(scenarios, update, options.trace);
  if (options.seed != 0) return run_seeds(options, options.seed, options.seed);
  const std::size_t dots = options.seeds.find("..");
  const bool range = dots != std::string::npos;
  const std::uint64_t first = range ? std::stoull(options.seeds.substr(0, dots)) : 1;
  return run_seeds(options, first, std::stoull(options.seeds.substr(range ? dots + 2 : 0)));
}
