#include "tests/sim/seeds.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <new>
#include <string_view>
#include <thread>
#include <vector>

#include "broker/base/check.h"

namespace tandemq::sim {
namespace {

using Count = std::atomic<std::uint64_t>;
using RealClock = std::chrono::steady_clock;
constexpr unsigned kJobsMax = 64;

// In memory that all processes share.
struct Shared {
  Count next, passed, failed, published, acknowledged, delivered, hashes, virtual_us;
  Count runs[kJobsMax];  // the seed that each process runs
};

std::string number(std::uint64_t n) {
  return std::to_string(n);
}

// One write, so that the stories of two processes do not mix.
void print(const std::string& text) {
  std::fflush(stdout);
  for (std::string_view left = text; !left.empty();) {
    const ssize_t written = ::write(STDOUT_FILENO, left.data(), left.size());
    if (written <= 0) return;
    left.remove_prefix(static_cast<std::size_t>(written));
  }
}

void tell(const SeedsConfig& config, std::uint64_t seed, const RunResult& result) {
  if (config.expect_violation) {
    return print("noticed by seed " + number(seed) + ": " + result.violation + "\n");
  }
  std::string text;
  if (!config.run.trace) {
    for (const std::string& line : result.trace) text += line + "\n";
  }
  text += "seed " + number(seed) + ": VIOLATION: " + result.violation + "\n";
  text += "replay: tandemq-sim --seed " + number(seed) + " --steps " + number(config.run.steps) +
          config.replay + " --trace\n";
  print(text);
}

class Seeds {
 public:
  Seeds(const SeedsConfig& config, Shared& shared, unsigned jobs)
      : config_(config), shared_(shared), jobs_(jobs) {}

  void run() {
    if (jobs_ == 1) return work(0);  // without a fork: a debugger sees it
    std::vector<pid_t> processes;
    for (unsigned job = 0; job < jobs_; ++job) {
      const pid_t pid = ::fork();
      TMQ_CHECK(pid >= 0);
      if (pid == 0) {
        work(job);
        std::fflush(stdout);
        ::_exit(0);
      }
      processes.push_back(pid);
    }
    for (unsigned job = 0; job < jobs_; ++job) wait_for(job, processes[job]);
  }

 private:
  void work(unsigned job) {
    RunConfig run = config_.run;
    while (!enough()) {
      run.seed = shared_.next++;
      if (config_.minutes == 0 && run.seed > config_.last) return;
      shared_.runs[job] = run.seed;
      const RunResult result = run_seed(run);
      shared_.published += result.published;
      shared_.acknowledged += result.acknowledged;
      shared_.delivered += result.delivered;
      shared_.hashes += result.hashes;
      shared_.virtual_us += result.time;
      ++(result.violation.empty() ? shared_.passed : shared_.failed);
      if (!result.violation.empty()) tell(config_, run.seed, result);
    }
  }

  bool enough() const {
    if (config_.expect_violation && shared_.failed != 0) return true;
    return config_.minutes != 0 &&
           RealClock::now() - began_ >= std::chrono::minutes(config_.minutes);
  }

  // A crash is a failed seed; the others of its process stay undone, which the sums show.
  void wait_for(unsigned job, pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    ++shared_.failed;
    print("seed " + number(shared_.runs[job]) + ": VIOLATION: the simulator crashed\nreplay: " +
          "tandemq-sim --seed " + number(shared_.runs[job]) + config_.replay + " --trace\n");
  }

  const SeedsConfig& config_;
  Shared& shared_;
  const unsigned jobs_;
  const RealClock::time_point began_ = RealClock::now();
};

void tell_sums(const Shared& shared, RealClock::duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  print("seeds=" + number(shared.passed + shared.failed) + " failed=" + number(shared.failed) +
        " published=" + number(shared.published) + " acknowledged=" + number(shared.acknowledged) +
        " delivered=" + number(shared.delivered) + " states_compared=" + number(shared.hashes) +
        " virtual_s=" + number(shared.virtual_us / kSecond) +
        " real_s=" + number(static_cast<std::uint64_t>(seconds)) + "\n");
}

}  // namespace

int run_seeds(const SeedsConfig& config) {
  const auto began = RealClock::now();
  void* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  TMQ_CHECK(memory != MAP_FAILED);
  Shared& shared = *new (memory) Shared();
  shared.next = config.first;
  if (config.minutes != 0) {
    shared.next = static_cast<std::uint64_t>(::time(nullptr)) * 1000;
    print("from seed " + number(shared.next) + "\n");
  }
  const bool one = config.run.trace || (config.minutes == 0 && config.first == config.last);
  unsigned jobs = config.jobs != 0 ? config.jobs : std::thread::hardware_concurrency();
  jobs = one ? 1 : std::clamp(jobs, 1u, kJobsMax);
  Seeds(config, shared, jobs).run();
  tell_sums(shared, RealClock::now() - began);
  const bool noticed = shared.failed != 0;
  if (config.expect_violation) {
    print(noticed ? "1 passed, 0 failed\n" : "0 passed, 1 failed\n");
    return noticed ? 0 : 1;
  }
  print(number(shared.passed) + " passed, " + number(shared.failed) + " failed\n");
  return noticed ? 1 : 0;
}

}  // namespace tandemq::sim
