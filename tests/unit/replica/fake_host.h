// A broker for the driver's tests: its state is the list of records applied.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "replicator/driver/replicator.h"

namespace tandemq::repl {

class FakeHost final : public ReplicatorHost {
 public:
  Status apply(const FrameView& frame) override;
  void committed(Lsn lsn) override { committed_lsn = lsn; }
  void status_changed(const ReplicaStatus& status) override { statuses.push_back(status); }
  TimeMs pair_time() override { return 1000; }
  void learn_pair_time(TimeMs time) override { learnt_time = time; }
  void make_snapshot(std::function<void(Result<SnapshotFile>)> ready) override;
  void release_snapshot(const SnapshotFile&) override { ++snapshots_released; }
  Status install_snapshot(const std::string& path, Lsn lsn) override;
  Result<Lsn> rebuild_until(Lsn lsn) override;
  std::uint64_t state_hash() { return std::hash<std::string>()(image()); }

  Lsn last() const { return records.empty() ? 0 : records.rbegin()->first; }
  // Bodies of the records that clients made, in order.
  std::vector<std::string> texts() const;
  std::string image() const;
  void load_image(const std::string& image);
  // What a checkpoint on disk would hold.
  void checkpoint() { checkpoint_image = image(), checkpoint_lsn = last(); }

  std::map<Lsn, std::pair<std::uint16_t, std::string>> records;
  std::string checkpoint_image;
  Lsn checkpoint_lsn = 0;
  Lsn committed_lsn = 0;
  TimeMs learnt_time = 0;
  std::string snapshot_path;  // where make_snapshot writes
  std::size_t snapshot_padding = 0;
  int snapshots_made = 0;
  int snapshots_released = 0;
  int snapshots_installed = 0;
  std::vector<ReplicaStatus> statuses;
};

}  // namespace tandemq::repl
