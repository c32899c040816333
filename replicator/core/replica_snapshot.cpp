// Resync by snapshot: both ends.
#include <algorithm>

#include "broker/base/crc32c.h"
#include "replicator/core/history.h"
#include "replicator/core/replica.h"

namespace tandemq::repl {

void Replica::stream_snapshot(const std::string& reason) {
  follower_ = {};
  follower_.stream = Stream::snapshot_wanted;
  act(action::MakeSnapshot{});
  say("the standby gets a snapshot: " + reason);
}

void Replica::on_message(const msg::NeedSnapshot& m) {
  if (!primary() || follower_.stream != Stream::records || mode_ == Mode::paired) {
    return protocol_error("the peer asked for a snapshot out of turn");
  }
  stream_snapshot(m.reason);
}

void Replica::on(const event::SnapshotReady& e) {
  if (follower_.stream != Stream::snapshot_wanted) {
    if (e.ok) act(action::ReleaseSnapshot{});
    return;
  }
  if (!e.ok) return drop_link("cannot make a snapshot for the standby: " + e.reason, true);
  follower_.stream = Stream::snapshot;
  follower_.snapshot_lsn = e.lsn;
  EpochHistory history = meta_.history;
  trim_history(history, e.lsn);
  act(action::SendSnapshot{std::move(history)});
  say("sending a snapshot of " + std::to_string(e.bytes) + " bytes, the state after record " +
      std::to_string(e.lsn));
}

void Replica::on(const event::SnapshotSent&) {
  Follower& f = follower_;
  if (f.stream != Stream::snapshot) return;
  act(action::ReleaseSnapshot{});
  f.stream = Stream::records;
  f.begin = f.sent = f.snapshot_lsn;
  pump();
}

void Replica::on_message(const msg::SnapshotBegin& m) {
  if (primary() || !leader_.following || in_sync() || m.lsn == 0 ||
      (!m.history.empty() && m.history.back().first > m.lsn)) {
    return protocol_error("the peer sent a snapshot out of turn");
  }
  leader_.waits_for_snapshot = true;
  leader_.snapshot_lsn = m.lsn;
  leader_.snapshot_bytes = m.bytes;
  leader_.snapshot_stored = 0;
  leader_.snapshot_crc = 0;
  leader_.snapshot_history = m.history;
  act(action::StoreSnapshot{m.lsn, m.bytes, 0, {}});
  say("receiving a snapshot of " + std::to_string(m.bytes) + " bytes");
}

void Replica::on_message(const msg::SnapshotChunk& m) {
  Leader& l = leader_;
  if (primary() || l.snapshot_lsn == 0 || m.offset != l.snapshot_stored ||
      m.bytes.size() > l.snapshot_bytes - l.snapshot_stored || crc32c(m.bytes) != m.crc) {
    return protocol_error("a piece of the snapshot is damaged or in the wrong place");
  }
  act(action::StoreSnapshot{l.snapshot_lsn, l.snapshot_bytes, m.offset, m.bytes});
  l.snapshot_stored += m.bytes.size();
  l.snapshot_crc = crc32c(m.bytes, l.snapshot_crc);
}

void Replica::on_message(const msg::SnapshotEnd& m) {
  const Leader& l = leader_;
  if (primary() || l.snapshot_lsn == 0 || l.snapshot_stored != l.snapshot_bytes ||
      l.snapshot_crc != m.crc) {
    return protocol_error("the snapshot is not whole or its checksum is wrong");
  }
  meta_.needs_snapshot = true;  // until it is installed: a crash between leaves half of each
  persist();
  if (last_ > l.common) cut_after(l.common, false);
  act(action::InstallSnapshot{l.snapshot_lsn});
}

void Replica::on(const event::SnapshotInstalled& e) {
  if (primary() || leader_.snapshot_lsn == 0) return;
  if (!e.ok) return drop_link("cannot install the snapshot: " + e.reason, true);
  last_ = written_ = synced_ = applied_ = leader_.begin = leader_.snapshot_lsn;
  first_ = 0;
  committed_ = 0;
  meta_.history = std::move(leader_.snapshot_history);
  meta_.needs_snapshot = false;
  leader_.waits_for_snapshot = false;
  leader_.snapshot_lsn = leader_.snapshot_bytes = leader_.snapshot_stored = 0;
  settle_as_follower();
  say("the snapshot is installed; following from record " + std::to_string(last_ + 1));
}

}  // namespace tandemq::repl
