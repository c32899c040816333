// A snapshot on its way to the peer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/base/result.h"
#include "replicator/core/types.h"
#include "replicator/driver/ports.h"

namespace tandemq::repl {

// Streams a file as SnapshotBegin, chunks, SnapshotEnd. A little each turn of the loop, never more
// than a bounded amount ahead of the socket, so that clients are served meanwhile.
class SnapshotSender {
 public:
  // `later` runs a function in the loop's next turn. `done` is called once, from the loop: with an
  // error when the file cannot be read.
  using Later = std::function<void(std::function<void()>)>;
  SnapshotSender(PeerLink& link, SnapshotReader& file, std::size_t chunk_bytes, Later later,
                 std::function<void(Status)> done);
  ~SnapshotSender() { *alive_ = false; }
  SnapshotSender(const SnapshotSender&) = delete;
  SnapshotSender& operator=(const SnapshotSender&) = delete;

  void start(Lsn lsn, EpochHistory history);
  // The socket has room again.
  void drained();
  double progress() const;

 private:
  void pump_later();
  void pump();
  void finish(Status status);

  PeerLink& link_;
  SnapshotReader& file_;
  const std::size_t chunk_bytes_;
  const Later later_;
  std::function<void(Status)> done_;  // null when all is done
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool due_ = false;  // a turn was asked for
  std::uint64_t offset_ = 0;
  std::uint32_t crc_ = 0;
  std::string buffer_;
};

}  // namespace tandemq::repl
