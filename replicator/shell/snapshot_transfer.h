// A snapshot file on its way: read and streamed here, received and kept there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "broker/base/result.h"
#include "replicator/core/types.h"
#include "replicator/shell/link.h"

struct event;
struct event_base;

namespace tandemq::repl {

// Streams a file as SnapshotBegin, chunks, SnapshotEnd. A little each turn of the loop, never more
// than a bounded amount ahead of the socket, so that clients are served meanwhile.
class SnapshotSender {
 public:
  // `done` is called once, from the loop: with an error when the file cannot be read.
  SnapshotSender(event_base* base, Link& link, std::function<void(Status)> done);
  ~SnapshotSender();
  SnapshotSender(const SnapshotSender&) = delete;
  SnapshotSender& operator=(const SnapshotSender&) = delete;

  Status open(const std::string& path, Lsn lsn, EpochHistory history);
  // The socket has room again.
  void drained();
  double progress() const;

 private:
  void later();
  void pump();
  void finish(Status status);

  Link& link_;
  std::function<void(Status)> done_;
  ::event* turn_ = nullptr;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::uint64_t offset_ = 0;
  std::uint32_t crc_ = 0;
  std::string buffer_;
};

// Keeps a received snapshot in a file.
class SnapshotReceiver {
 public:
  static Result<std::unique_ptr<SnapshotReceiver>> create(const std::string& path,
                                                          std::uint64_t total);
  ~SnapshotReceiver();
  SnapshotReceiver(const SnapshotReceiver&) = delete;
  SnapshotReceiver& operator=(const SnapshotReceiver&) = delete;

  Status store(std::uint64_t offset, std::string_view bytes);
  // Durable when it returns.
  Status finish();
  const std::string& path() const { return path_; }

 private:
  SnapshotReceiver(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  const std::string path_;
  int fd_;
  std::uint64_t unsynced_ = 0;
};

}  // namespace tandemq::repl
