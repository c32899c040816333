// data_dir as a folder of the file system: meta.json, journal/, quarantine/, snapshot.tmp.
#pragma once

#include "replicator/driver/ports.h"

struct event_base;

namespace tandemq::repl {

class FileFolder final : public DataFolder {
 public:
  FileFolder(event_base* base, std::string dir, std::uint64_t segment_bytes)
      : base_(base), dir_(std::move(dir)), segment_bytes_(segment_bytes) {}

  const std::string& name() const override { return dir_; }
  Status prepare() override;
  Result<Meta> load_meta() override;
  Status save_meta(const Meta& meta) override;
  Result<std::unique_ptr<Journal>> open_journal() override;
  Result<std::string> set_journal_aside() override;
  Result<std::string> quarantine(Journal& journal, Lsn first, Lsn last,
                                 const std::function<void()>& goes_on) override;
  Result<std::unique_ptr<SnapshotReader>> read_snapshot(const std::string& path) override;
  Result<std::unique_ptr<SnapshotWriter>> write_snapshot(std::uint64_t bytes) override;

 private:
  event_base* base_;
  const std::string dir_;
  const std::uint64_t segment_bytes_;
};

}  // namespace tandemq::repl
