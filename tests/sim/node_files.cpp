#include "tests/sim/node_files.h"

#include <algorithm>
#include <utility>

#include "broker/base/bytes.h"
#include "broker/base/check.h"
#include "tests/sim/slow_journal.h"

namespace tandemq::sim {
namespace {

constexpr std::size_t kSnapshotBytes = 450;

class Reader final : public repl::SnapshotReader {
 public:
  explicit Reader(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Status read(std::uint64_t offset, std::size_t bytes, std::string& out) override {
    out = bytes_.substr(offset, bytes);
    return Done{};
  }

 private:
  const std::string bytes_;
};

// The file's path is its number, once all of it is there.
class Writer final : public repl::SnapshotWriter {
 public:
  explicit Writer(std::function<void()> sync) : sync_(std::move(sync)) {}
  Status store(std::uint64_t offset, std::string_view bytes) override {
    TMQ_CHECK(offset == bytes_.size());
    bytes_ += bytes;
    return Done{};
  }
  Status finish(const std::function<void()>&) override {
    sync_();
    path_ = std::to_string(snapshot_number(bytes_));
    return Done{};
  }
  void remove() override {}
  const std::string& path() const override { return path_; }

 private:
  const std::function<void()> sync_;
  std::string bytes_;
  std::string path_;
};

}  // namespace

TimeUs disk_time(const Kept& kept, const Clock& clock, Random& random, TimeUs at_most) {
  if (at_most == 0 && kept.stalled_until <= clock.now()) return 0;
  const TimeUs time = random.between(50, std::max<TimeUs>(at_most, 51));
  return std::max(kept.stalled_until, clock.now()) - clock.now() + time;
}

std::string snapshot_bytes(std::uint64_t number) {
  std::string bytes;
  put_le(bytes, number);
  bytes.resize(kSnapshotBytes, 's');
  return bytes;
}

std::uint64_t snapshot_number(std::string_view bytes) {
  TMQ_CHECK(bytes.size() == kSnapshotBytes);
  return get_le<std::uint64_t>(bytes.data());
}

NodeFolder::NodeFolder(Process& process, Clock& clock, Random& random, Kept& kept,
                       Snapshots& snapshots, Config config)
    : process_(process),
      clock_(clock),
      random_(random),
      kept_(kept),
      snapshots_(snapshots),
      config_(std::move(config)) {}

void NodeFolder::durable_write() {
  process_.stand_still(disk_time(kept_, clock_, random_, kept_.durable_max));
}

Status NodeFolder::save_meta(const repl::Meta& meta) {
  durable_write();
  kept_.meta = meta;
  return Done{};
}

Result<std::unique_ptr<repl::Journal>> NodeFolder::open_journal() {
  repl::JournalConfig config;
  config.dir = name_ + "/journal";
  config.segment_bytes = config_.segment_bytes;
  config.io = kept_.disk.get();
  const auto failed = std::make_shared<bool>(false);
  config.on_fatal = [failed, tell = config_.journal_failed](const std::string& line, int) {
    *failed = true;
    tell(line);
  };
  auto journal = repl::Journal::open(config, nullptr);
  if (!journal) config_.journal_failed(journal.error().message);
  if (!journal) return journal.error();
  return std::unique_ptr<repl::Journal>(
      std::make_unique<SlowJournal>(std::move(*journal), process_, clock_, random_, kept_, failed));
}

Result<std::string> NodeFolder::set_journal_aside() {
  return Error{"a damaged journal is not simulated"};
}

Result<std::string> NodeFolder::quarantine(repl::Journal& journal, Lsn first, Lsn last,
                                           const std::function<void()>&) {
  std::string frames;
  const Result<Lsn> read = journal.read(first, ~std::size_t{0}, frames);
  if (!read) return read.error();
  durable_write();
  std::size_t end = 0;
  repl::FrameView frame;
  while (repl::read_frame(std::string_view(frames).substr(end), frame) == repl::FrameRead::frame &&
         frame.lsn <= last) {
    end += frame.bytes.size();
    ++kept_.quarantined;
  }
  kept_.quarantine.push_back(frames.substr(0, end));
  return "file " + std::to_string(kept_.quarantine.size());
}

Result<std::unique_ptr<repl::SnapshotReader>> NodeFolder::read_snapshot(const std::string& path) {
  const std::uint64_t number = std::stoull(path);
  if (!snapshots_.contains(number)) return Error{"there is no snapshot " + path};
  return std::unique_ptr<repl::SnapshotReader>(std::make_unique<Reader>(snapshot_bytes(number)));
}

Result<std::unique_ptr<repl::SnapshotWriter>> NodeFolder::write_snapshot(std::uint64_t) {
  return std::unique_ptr<repl::SnapshotWriter>(
      std::make_unique<Writer>([this] { durable_write(); }));
}

}  // namespace tandemq::sim
