// Rates, printed; run by hand, built with -DTANDEMQ_TEST_FLAGS=-O2: test_checkpoint --no-skip
// -tc='measure*'.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>

#include "replicator/journal/journal.h"
#include "tests/unit/checkpoint/support.h"

namespace tandemq::broker::test {
namespace {

using Clock = std::chrono::steady_clock;

double cpu_seconds(int who = RUSAGE_SELF) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// A journal on disk, filled through `append`.
class DiskJournal {
 public:
  explicit DiskJournal(const std::string& dir) {
    repl::JournalConfig config;
    config.dir = dir + "/journal";
    auto opened = repl::Journal::open(config, nullptr);
    REQUIRE(opened);
    journal_ = std::move(*opened);
  }
  void append(const core::Record& record) {
    body_.clear();
    core::encode_record(body_, record);
    journal_->append(make_epoch(1, 1), static_cast<std::uint16_t>(core::kind_of(record)), body_);
    if (journal_->pending().size() > 256 << 10) journal_->flush();
  }
  repl::Journal& get() {
    journal_->flush();
    return *journal_;
  }
  Lsn last() { return journal_->figures().last; }

 private:
  std::unique_ptr<repl::Journal> journal_;
  std::string body_;
};

struct Measured {
  TempDir dir;
  CheckpointConfig config = config_in(dir);
  DiskJournal journal{dir.path()};

  void fold(const char* what) {
    REQUIRE(checkpoint_prepare(config));
    repl::Journal& source = journal.get();
    double slice_cpu_max = 0;
    Folder folder(config, [&](Lsn from, std::size_t bytes_max, std::string& out) {
      const double before = cpu_seconds(RUSAGE_THREAD);
      auto last = source.read(from, bytes_max, out);
      slice_cpu_max = std::max(slice_cpu_max, cpu_seconds(RUSAGE_THREAD) - before);
      return last;
    });
    const auto began = Clock::now();
    const double cpu = cpu_seconds();
    REQUIRE(folder.fold(journal.last()));
    const double took = std::chrono::duration<double>(Clock::now() - began).count();
    const CheckpointFigures figures = folder.checkpointer().figures();
    std::printf(
        "fold %s: %llu records in %.2f s, %.2f us CPU each; %llu rows written, file %.0f MB; "
        "%llu slices, the longest took the loop %llu us, %.0f us of CPU\n",
        what, static_cast<unsigned long long>(figures.last_records), took,
        (cpu_seconds() - cpu) * 1e6 / static_cast<double>(figures.last_records),
        static_cast<unsigned long long>(figures.last_rows_written),
        static_cast<double>(figures.bytes) / 1e6,
        static_cast<unsigned long long>(figures.slices_total),
        static_cast<unsigned long long>(figures.slice_us_max), slice_cpu_max * 1e6);
  }
  void load(const char* what) {
    core::State state;
    const auto began = Clock::now();
    const auto info = checkpoint_load(config, state, {});
    const double took = std::chrono::duration<double>(Clock::now() - began).count();
    REQUIRE(info);
    const auto rows = static_cast<double>(info->rows.total());
    std::printf("load %s: %.0f rows in %.2f s, %.0f rows/s\n", what, rows, took, rows / took);
  }
};

}  // namespace

TEST_CASE("measure: traffic that is acknowledged at once" * doctest::skip()) {
  Measured m;
  for (core::SessionId id = 1; id <= 100; ++id) m.journal.append(opened(id, std::to_string(id)));
  const std::string payload(64, 'x');
  for (int i = 0; i < 1'000'000; ++i) {
    const auto session = static_cast<core::SessionId>(i % 100 + 1);
    const auto packet_id = static_cast<std::uint16_t>(i / 100 % 60000 + 1);
    m.journal.append(
        published(message("plant/1/temperature", payload), {target(session, packet_id)}));
    m.journal.append(core::Acked{session, packet_id});
  }
  m.fold("acknowledged");
}

TEST_CASE("measure: 100,000 sessions and 1,000,000 queued messages" * doctest::skip()) {
  Measured m;
  for (core::SessionId id = 1; id <= 100'000; ++id) {
    m.journal.append(opened(id, "client-" + std::to_string(id)));
    m.journal.append(core::Subscribed{id, {{"plant/" + std::to_string(id) + "/#", 1}}});
  }
  const std::string payload(64, 'x');
  for (int i = 0; i < 1'000'000; ++i) {
    m.journal.append(published(message("plant/1/temperature", payload),
                               {target(static_cast<core::SessionId>(i % 100'000 + 1), 0)}));
  }
  m.fold("queued");
  m.load("queued");
  {
    const MemoryJournal none;
    Folder folder(m.config, none);
    const auto began = Clock::now();
    const auto made = folder.snapshot(m.dir.path() + "/snapshot");
    const double took = std::chrono::duration<double>(Clock::now() - began).count();
    REQUIRE(made);
    std::printf("snapshot: %.0f MB in %.2f s\n", static_cast<double>(made->bytes) / 1e6, took);
  }
}

TEST_CASE("measure: 1,000,000 retained messages" * doctest::skip()) {
  Measured m;
  const std::string payload(64, 'x');
  for (int i = 0; i < 1'000'000; ++i) {
    auto record = published(message("plant/" + std::to_string(i) + "/temperature", payload), {});
    record.retain = core::RetainAction::store;
    m.journal.append(record);
  }
  m.fold("retained");
  m.load("retained");
}

}  // namespace tandemq::broker::test
