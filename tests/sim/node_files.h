// What a node keeps, and its driver's way to it (replicator/driver/ports.h): the real journal on a
// disk in memory, everything else as values. Whatever is durable takes time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "replicator/driver/ports.h"
#include "tests/sim/clock.h"
#include "tests/sim/image.h"
#include "tests/sim/process.h"
#include "tests/support/memory_disk.h"

namespace tandemq::sim {

using Snapshots = std::map<std::uint64_t, std::shared_ptr<const Image>>;  // by number

// Survives the process.
struct Kept {
  std::unique_ptr<test::MemoryDisk> disk = std::make_unique<test::MemoryDisk>();
  repl::Meta meta;
  std::shared_ptr<const Image> checkpoint;
  std::vector<std::string> quarantine;  // frames, one string a file
  std::uint64_t quarantined = 0;        // records in them

  TimeUs sync_max = 2 * kMs;   // one sync of the journal takes up to
  TimeUs durable_max = 0;      // any other durable write
  TimeUs stalled_until = 0;    // the disk stands still until then
  bool folds_fail = false;     // the checkpoint cannot be written
  bool forgets_syncs = false;  // broken on purpose

  void mend_disk() {
    disk->sync_error = 0;
    disk->bytes_left = ~std::uint64_t{0};
  }
};

// How long the disk takes for what begins now.
TimeUs disk_time(const Kept& kept, const Clock& clock, Random& random, TimeUs at_most);

class NodeFolder final : public repl::DataFolder {
 public:
  struct Config {
    std::uint64_t segment_bytes = 0;
    std::function<void(const std::string& line)> journal_failed;
  };
  NodeFolder(Process& process, Clock& clock, Random& random, Kept& kept, Snapshots& snapshots,
             Config config);

  const std::string& name() const override { return name_; }
  Status prepare() override { return Done{}; }
  Result<repl::Meta> load_meta() override { return kept_.meta; }
  Status save_meta(const repl::Meta& meta) override;
  Result<std::unique_ptr<repl::Journal>> open_journal() override;
  Result<std::string> set_journal_aside() override;
  Result<std::string> quarantine(repl::Journal& journal, Lsn first, Lsn last,
                                 const std::function<void()>& goes_on) override;
  Result<std::unique_ptr<repl::SnapshotReader>> read_snapshot(const std::string& path) override;
  Result<std::unique_ptr<repl::SnapshotWriter>> write_snapshot(std::uint64_t bytes) override;

 private:
  void durable_write();

  Process& process_;
  Clock& clock_;
  Random& random_;
  Kept& kept_;
  Snapshots& snapshots_;
  const Config config_;
  const std::string name_ = "/data";
};

// A snapshot as the file that is streamed: the number of its image, and padding.
std::string snapshot_bytes(std::uint64_t number);
std::uint64_t snapshot_number(std::string_view bytes);

}  // namespace tandemq::sim
