// Replicator: journal, link and the pure replica machine behind one door for the broker.
// Runs on the broker's loop; only the journal's sync worker is another thread.
// replicator/shell/open_replicator.h opens one on files and sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "replicator/core/frame.h"
#include "replicator/core/types.h"
#include "replicator/driver/ports.h"
#include "replicator/journal/journal.h"

namespace tandemq::repl {

// Of the link, PEM. The key may stand in the certificate's own file.
struct LinkTlsFiles {
  std::string certfile, keyfile;  // this node's certificate with its chain, and its key
  std::string cafile;             // the authority of both nodes' certificates
  bool on() const { return !certfile.empty(); }
};

struct ReplicatorConfig {
  bool single = false;    // no peer is configured: always solo, promotes itself at start
  std::string node_name;  // "a"
  std::string peer_name;
  unsigned node_index = 1;  // 1 or 2, differs from the peer's
  std::string pair_id;      // both nodes' must be equal
  // The program and its settings, as ReplicaConfig has them (replicator/core/replica.h).
  std::string software;
  Features known;
  Features baseline;
  std::vector<Setting> settings;
  std::string data_dir;        // holds journal/, meta.json, quarantine/
  std::string listen_address;  // "10.98.0.11"
  std::uint16_t listen_port = 7883;
  std::string peer_address;
  std::uint16_t peer_port = 7883;
  LinkTlsFiles tls;  // no certfile: the link is plain
  CommitRule commit = CommitRule::replicated;
  bool sync_when_solo = true;  // false only by the operator's explicit choice (docs/decisions)
  std::uint32_t sync_interval_ms = 100;
  std::uint32_t heartbeat_ms = 50;
  std::uint32_t peer_silence_ms = 250;
  std::uint64_t segment_bytes = 64 << 20;
  std::uint64_t journal_bytes_max = 4ull << 30;  // beyond it a late standby needs a snapshot
  std::uint64_t resync_bytes = 512u << 20;  // allowed more at least while the standby catches up
  std::size_t window_bytes = 8u << 20;      // sent and not confirmed, at most
  std::size_t batch_bytes = 1u << 20;       // of one catch-up batch
  std::size_t snapshot_chunk_bytes = 256u << 10;
  // Takes log lines of the shell's Runtime: level ("info", "notice", "warning", "error"), event and
  // a sentence. Default: standard error.
  std::function<void(const char* level, const char* event, const std::string& reason)> log;
};

// Records acknowledged here that lost to another history, since the start of the process.
struct QuarantineFigures {
  std::uint64_t records = 0;  // kept in files
  std::uint64_t lost = 0;     // the journal held them no more
};

// The broker's side. All calls come on the loop, none from inside append(). Orders (promote, ...)
// are not taken from inside these calls; append and end_of_turn are.
class ReplicatorHost {
 public:
  virtual ~ReplicatorHost() = default;
  // Recovery and standby: a record (control kinds included), in LSN order.
  virtual Status apply(const FrameView& frame) = 0;
  // Primary: effects up to `lsn` may leave.
  virtual void committed(Lsn lsn) = 0;
  // Role or pair state changed; `status().reason` says why. On becoming primary the reign record
  // has been applied and the listeners may open; on ceasing to be it, close them at once and drop
  // what was not released.
  virtual void status_changed(const ReplicaStatus& status) = 0;
  // The pair's clock: what the broker stamps records with; and what a standby learns from it.
  virtual TimeMs pair_time() = 0;
  virtual void learn_pair_time(TimeMs time) = 0;
  // A complete image of the state at an LSN for a peer too far behind, as a file to stream.
  struct SnapshotFile {
    std::string path;  // the host keeps it until release_snapshot
    Lsn lsn = 0;
  };
  // Called once; answers when ready (a checkpoint may have to be written first).
  virtual void make_snapshot(std::function<void(Result<SnapshotFile>)> ready) = 0;
  virtual void release_snapshot(const SnapshotFile& file) = 0;
  // The loop is about to stand still, for seconds with a large state: long enough to be told; also
  // in the middle of it, when that goes on.
  virtual void stands_still(const char* /*for_what*/) {}
  // Replaces all state by the image in the file (received whole and verified); the journal goes on
  // after `lsn`.
  virtual Status install_snapshot(const std::string& path, Lsn lsn) = 0;
  // The journal was cut after `lsn`: rebuild the state from checkpoint and journal. An error
  // (checkpoint beyond lsn) makes the replicator ask the peer for a snapshot.
  virtual Result<Lsn> rebuild_until(Lsn lsn) = 0;
};

class Replicator {
 public:
  // Opens data_dir; the state up to `checkpoint_lsn` is already in the host, later records are
  // applied through host.apply, with progress reported every second.
  struct Progress {
    Lsn done, total;
    double seconds;
  };
  // On these ports. Recovers: from then on start() may be called.
  static Result<std::unique_ptr<Replicator>> open(
      Ports ports, const ReplicatorConfig& config, ReplicatorHost& host, Lsn checkpoint_lsn,
      const std::function<void(const Progress&)>& progress);
  virtual ~Replicator() = default;

  // Starts link and timers (and, when single, the reign).
  virtual Status start() = 0;

  // Primary only. Buffers the record; end_of_turn writes, sends and commits.
  virtual Lsn append(std::uint16_t kind, const ByteSource& body) = 0;
  // The newest record if the peer cannot have been sent it yet, else 0.
  virtual Lsn unsent() const = 0;
  virtual void end_of_turn() = 0;
  // Body version in which records of this kind are written at present, 0: not at all.
  virtual std::uint8_t writes(std::uint16_t kind) const = 0;

  // Orders of the failover agent. Refusals say why in a sentence.
  // `stands` is asked when the new reign is on the disk, which may have taken long: false takes it
  // back, and the order is refused. Null: it stands.
  virtual Result<Epoch> promote(Epoch at_least, bool force,
                                const std::function<bool()>& stands = {}) = 0;
  virtual Status demote(const std::string& reason) = 0;
  virtual Status go_solo(const std::string& authority) = 0;
  // Standby: durably out of sync when this returns; an open link is dropped, so that the next
  // Hello starts a resync. The agent orders it before it allows the peer to go solo.
  virtual Status lose_sync(const std::string& reason) = 0;
  // Leaves in good order: standby marks itself out of sync and says Goodbye; `done` is called when
  // the peer has heard it (or cannot).
  virtual void leave(std::function<void()> done) = 0;
  // Planned hand-over: stops accepting records, waits until the peer holds all, makes it promote,
  // becomes standby. The node closes its listeners before it calls this.
  virtual void switchover(std::function<void(Status)> done) = 0;
  // This node is about to end: it takes no reign any more, and leaves where one is offered to it.
  virtual void ending() = 0;

  // A checkpoint up to `lsn` is durable: segments that nobody needs any more may go.
  virtual void checkpointed(Lsn lsn) = 0;

  virtual ReplicaStatus status() const = 0;
  virtual Meeting meeting() const = 0;
  virtual JournalFigures journal_figures() const = 0;
  virtual LinkFigures link_figures() const = 0;
  virtual QuarantineFigures quarantine_figures() const = 0;
  virtual std::uint16_t listening_port() const = 0;  // of the link; 0 when this node dials
  virtual Result<Lsn> read_journal(Lsn from, std::size_t max_bytes, std::string& out) = 0;
};

}  // namespace tandemq::repl
