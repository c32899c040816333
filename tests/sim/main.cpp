// tandemq-sim: runs seeds of the simulator, replays one, or plays a scenario file.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/scenario.h"
#include "tests/sim/seeds.h"

namespace {

using namespace tandemq::sim;

const std::map<std::string, Broken> kBroken = {
    {"nothing", Broken::nothing}, {"commit", Broken::commit}, {"dedup", Broken::dedup},
    {"fence", Broken::fence},     {"sync", Broken::sync},     {"apply", Broken::apply},
    {"order", Broken::order}};

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
  SeedsConfig config;
  std::string seeds = "1..200";
  std::uint64_t seed = 0;
  app.add_option("--seeds", seeds, "A..B, or N for 1..N; default 1..200")->envname("SIM_SEEDS");
  app.add_option("--seed", seed, "one seed");
  app.add_option("--minutes", config.minutes, "seeds that were never run, for so long");
  app.add_option("--jobs", config.jobs, "processes; default one for each core");
  app.add_option("--steps", config.run.steps, "faults in a run");
  app.add_flag("--trace,--verbose", config.run.trace, "print everything that happens");
  app.add_flag("--messages", config.run.messages, "with the messages between the nodes");
  std::string broken = "nothing";
  app.add_option("--break", broken, "break something, to see that it is noticed")
      ->check(CLI::IsMember(kBroken));
  app.add_flag("--expect-violation", config.expect_violation, "fail when none is found");
  std::vector<std::string> scenarios;
  bool update = false;
  app.add_option("--scenario", scenarios, "play scenario files and compare with their .golden");
  app.add_flag("--update", update, "write the .golden files anew");
  CLI11_PARSE(app, argc, argv);
  if (!scenarios.empty()) return play(scenarios, update, config.run.trace);
  if (broken != "nothing") {
    config.run.broken = kBroken.at(broken);
    config.replay = " --break " + broken;
  }
  const std::size_t dots = seeds.find("..");
  const bool range = dots != std::string::npos;
  config.first = range ? std::stoull(seeds.substr(0, dots)) : 1;
  config.last = std::stoull(seeds.substr(range ? dots + 2 : 0));
  if (seed != 0) config.first = config.last = seed;
  return run_seeds(config);
}
