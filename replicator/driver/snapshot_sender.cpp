#include "replicator/driver/snapshot_sender.h"

#include <algorithm>
#include <utility>

#include "broker/base/crc32c.h"

namespace tandemq::repl {
namespace {

constexpr std::size_t kTurnBytes = 1u << 20;   // sent in one turn of the loop
constexpr std::size_t kAheadBytes = 2u << 20;  // unsent, at most about

}  // namespace

SnapshotSender::SnapshotSender(PeerLink& link, SnapshotReader& file, std::size_t chunk_bytes,
                               Later later, std::function<void(Status)> done)
    : link_(link),
      file_(file),
      chunk_bytes_(chunk_bytes),
      later_(std::move(later)),
      done_(std::move(done)) {}

void SnapshotSender::start(Lsn lsn, EpochHistory history) {
  link_.send(msg::SnapshotBegin{lsn, file_.size(), std::move(history)});
  pump_later();
}

void SnapshotSender::drained() {
  if (done_) pump_later();
}

void SnapshotSender::pump_later() {
  if (std::exchange(due_, true)) return;
  later_([this, alive = alive_] {
    if (!*alive) return;
    due_ = false;
    pump();
  });
}

double SnapshotSender::progress() const {
  return file_.size() == 0 ? 1 : static_cast<double>(offset_) / static_cast<double>(file_.size());
}

void SnapshotSender::pump() {
  if (!done_) return;
  for (std::size_t sent = 0; sent < kTurnBytes && link_.unsent() < kAheadBytes;) {
    if (offset_ == file_.size()) {
      link_.send(msg::SnapshotEnd{crc_});
      return finish(Done{});
    }
    const auto bytes = std::min<std::uint64_t>(chunk_bytes_, file_.size() - offset_);
    const Status read = file_.read(offset_, static_cast<std::size_t>(bytes), buffer_);
    if (!read) return finish(read);
    link_.send(msg::SnapshotChunk{offset_, crc32c(buffer_), buffer_});
    crc_ = crc32c(buffer_, crc_);
    offset_ += buffer_.size();
    sent += buffer_.size();
  }
  if (link_.unsent() < kAheadBytes) pump_later();
}

void SnapshotSender::finish(Status status) {
  const auto done = std::exchange(done_, nullptr);
  done(std::move(status));
}

}  // namespace tandemq::repl
