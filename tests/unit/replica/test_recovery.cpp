// Opening a node's data on a disk that fails, and what is set aside.
#include <doctest/doctest.h>

#include "broker/base/exit_code.h"
#include "fake_host.h"
#include "replicator/core/segment.h"
#include "replicator/driver/recovery.h"
#include "replicator/shell/meta_file.h"
#include "tests/support/memory_disk.h"
#include "tests/support/temp_dir.h"

using namespace tandemq;
using namespace tandemq::repl;

namespace {

struct Disk {
  test::MemoryDisk journal;
  Meta meta;
  int metas_saved = 0;
  int set_aside = 0;
};

class Folder final : public DataFolder {
 public:
  explicit Folder(Disk& disk) : disk_(disk) {}
  const std::string& name() const override { return name_; }
  Status prepare() override { return Done{}; }
  Result<Meta> load_meta() override { return disk_.meta; }
  Status save_meta(const Meta& meta) override {
    disk_.meta = meta;
    ++disk_.metas_saved;
    return Done{};
  }
  Result<std::unique_ptr<Journal>> open_journal() override {
    JournalConfig config;
    config.dir = "/data/journal";
    config.segment_bytes = 4096;
    config.io = &disk_.journal;
    config.on_fatal = [](const std::string&, int) {};
    return Journal::open(config, nullptr);
  }
  Result<std::string> set_journal_aside() override {
    ++disk_.set_aside;
    std::vector<std::string> names;
    disk_.journal.list("/data/journal", names);
    for (const std::string& file : names) disk_.journal.remove("/data/journal/" + file);
    return std::string("/data/journal.damaged-1");
  }
  Result<std::string> quarantine(Journal&, Lsn, Lsn, const std::function<void()>&) override {
    return Error{"not here"};
  }
  Result<std::unique_ptr<SnapshotReader>> read_snapshot(const std::string&) override {
    return Error{"not here"};
  }
  Result<std::unique_ptr<SnapshotWriter>> write_snapshot(std::uint64_t) override {
    return Error{"not here"};
  }

 private:
  Disk& disk_;
  const std::string name_ = "/data";
};

class Quiet final : public Runtime {
 public:
  std::uint64_t now_ms() override { return 1; }
  std::uint64_t wall_s() override { return 1; }
  void later(std::function<void()>) override {}
  Timer every(std::uint32_t, std::function<void()>) override { return nullptr; }
  void log(const char*, const char*, const std::string&) override {}
  void end(int) override { std::abort(); }
};

// A node of a pair that holds 200 records, checkpoint at none; `alone`: nobody else does.
struct Node {
  explicit Node(bool alone) {
    ports.runtime = std::make_unique<Quiet>();
    ports.folder = std::make_unique<Folder>(disk);
    config.node_index = 1;
    config.pair_id = "test";
    config.known = features_with({{kFirstUserKind, 1}}, 1);
    auto journal = ports.folder->open_journal();
    for (int i = 0; i < 200; ++i) {
      (*journal)->append(make_epoch(1, 1), kFirstUserKind, "record " + std::to_string(i));
    }
    (*journal)->flush();
    (*journal)->sync_now();
    disk.meta.pair_id = "test";
    disk.meta.node_index = 1;
    disk.meta.epoch_seen = make_epoch(1, 1);
    disk.meta.in_sync = true;
    disk.meta.peer_in_sync = !alone;
    disk.meta.history = {{make_epoch(1, 1), 1}};
    disk.meta.agreed = config.known;
  }
  // The exit code; 0: it is open.
  int start() {
    host = {};
    Recovery recovery(ports, config, host);
    auto journal = recovery.run(0, nullptr);
    message = journal ? "" : journal.error().message;
    return journal ? 0 : journal.error().code;
  }
  void damage() {
    std::string& bytes = *disk.journal.content("/data/journal/" + segment_name(1));
    bytes[bytes.find("record 10")] ^= 1;
  }

  Disk disk;
  Ports ports;
  ReplicatorConfig config;
  FakeHost host;
  std::string message;
};

}  // namespace

TEST_CASE("a read that fails once at the start costs nothing: it is tried again") {
  for (const bool alone : {false, true}) {
    unsigned failed = 0;
    for (unsigned n = 1; n < 100; ++n) {
      Node node(alone);
      const Meta before = node.disk.meta;
      node.disk.journal.read_fails_in = n;
      const int code = node.start();
      if (node.disk.journal.read_fails_in != 0) break;
      CAPTURE(n);
      ++failed;
      CHECK(code == kExitEnvironment);
      CHECK(node.disk.meta == before);
      CHECK(node.disk.set_aside == 0);
      CHECK(node.start() == 0);
      CHECK(node.host.last() == 200);
      CHECK(node.disk.meta == before);
    }
    CHECK(failed >= 4);  // the note, the segments, and records for the state
  }
}

TEST_CASE("a meta file that cannot be read is not damaged") {
  const test::TempDir dir;
  CHECK(load_meta(std::string(dir.path()) + "/meta.json"));  // there is none
  const auto meta = load_meta(dir.path());
  REQUIRE_FALSE(meta);
  CHECK(meta.error().code == kExitEnvironment);
}

TEST_CASE("a damaged journal is set aside, and the peer asked for a snapshot") {
  Node node(false);
  node.damage();
  CHECK(node.start() == 0);
  CHECK(node.disk.set_aside == 1);
  CHECK(node.disk.meta.needs_snapshot);
  CHECK_FALSE(node.disk.meta.in_sync);
}

TEST_CASE("not by a node that went on alone: what it acknowledged then is nowhere else") {
  Node node(true);
  node.damage();
  const Meta before = node.disk.meta;
  CHECK(node.start() == kExitDamaged);
  CHECK(node.message.find("went on alone") != std::string::npos);
  CHECK(node.disk.set_aside == 0);
  CHECK(node.disk.meta == before);
  CHECK(node.start() == kExitDamaged);
  // The operator moves the journal away: it resyncs, and what it had done is not forgotten.
  REQUIRE(node.ports.folder->set_journal_aside());
  CHECK(node.start() == 0);
  CHECK(node.disk.meta.needs_snapshot);
  CHECK_FALSE(node.disk.meta.peer_in_sync);
}
