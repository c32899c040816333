// What the driver stands on. Production binds the ports to libevent, files and sockets
// (replicator/shell); the simulator and the property tests to virtual time, a disk in memory and a
// simulated network. Everything is called on the one thread of the driver's loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "broker/base/result.h"
#include "replicator/core/replica.h"
#include "replicator/journal/journal.h"

namespace tandemq::repl {

// The process: time, timers, log, its end.
class Runtime {
 public:
  virtual ~Runtime() = default;
  virtual std::uint64_t now_ms() = 0;  // monotonic
  virtual std::uint64_t wall_s() = 0;  // since 1970
  // Runs `what` from the loop, after the callbacks that are on the stack now.
  virtual void later(std::function<void()> what) = 0;
  // Calls `what` every `ms` for as long as the handle is held.
  using Timer = std::shared_ptr<void>;
  virtual Timer every(std::uint32_t ms, std::function<void()> what) = 0;
  virtual void log(const char* level, const char* event, const std::string& reason) = 0;
  // What is to be durable cannot be made so: nothing may happen any more in this process. `code` is
  // its exit code: kExitEnvironment where a start may heal it, else kExitDamaged.
  [[noreturn]] virtual void end(int code) = 0;

  // For who looks on: before an action is carried out, and after a step of the machine.
  virtual void about_to(const Action&) {}
  virtual void stepped(const Replica&) {}
};

struct LinkFigures {
  std::uint64_t connects_total = 0;
  std::uint64_t rejected_total = 0;  // strangers, wrong Hellos
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_bytes = 0;
};

// Told by the link, from the loop.
class LinkHost {
 public:
  virtual ~LinkHost() = default;
  virtual void link_up() = 0;
  virtual void link_down(const std::string& reason) = 0;
  virtual void link_received(const Message& message) = 0;  // views are valid during the call
  virtual void link_turn_ended() = 0;  // everything that one wake-up brought was received
  virtual void link_drained() = 0;     // unsent() fell below kLinkLowWater
  virtual void link_refused(const std::string& reason) = 0;  // at most one a second
  virtual void peer_refused(const std::string& reason) = 0;  // the same of a wrong Hello, each
};

constexpr std::size_t kLinkLowWater = 1u << 20;

// The one connection to the peer; made again whenever it is lost.
class PeerLink {
 public:
  virtual ~PeerLink() = default;
  // Error code 3: the address cannot be listened on.
  virtual Status start(LinkHost& host) = 0;
  // Ends the link and never connects again.
  virtual void stop() = 0;
  virtual void send(const Message& message) = 0;
  // A Records message around whole frames.
  virtual void send_records(std::string_view frames) = 0;
  virtual std::size_t unsent() const = 0;
  // Ends the link without link_down; what was sent goes out as far as it can at once.
  virtual void drop(bool back_off) = 0;
  virtual LinkFigures figures() const = 0;  // with what the present link has carried so far
  virtual std::uint16_t listening_port() const = 0;  // 0 when this node dials
};

// A snapshot's file, read for the peer.
class SnapshotReader {
 public:
  virtual ~SnapshotReader() = default;
  virtual std::uint64_t size() const = 0;
  // Fills `out` with `bytes` bytes from `offset` on.
  virtual Status read(std::uint64_t offset, std::size_t bytes, std::string& out) = 0;
};

// A snapshot that the peer sends, kept in a file of data_dir.
class SnapshotWriter {
 public:
  virtual ~SnapshotWriter() = default;
  virtual Status store(std::uint64_t offset, std::string_view bytes) = 0;
  // Durable when it returns. `goes_on` is called now and then until it is.
  virtual Status finish(const std::function<void()>& goes_on) = 0;
  virtual void remove() = 0;
  virtual const std::string& path() const = 0;
};

// data_dir: all that a node keeps. What is durable is so when the call returns: the loop stands
// still for as long as the disk takes.
class DataFolder {
 public:
  virtual ~DataFolder() = default;
  virtual const std::string& name() const = 0;
  virtual Status prepare() = 0;
  virtual Result<Meta> load_meta() = 0;            // default-constructed when there is none
  virtual Status save_meta(const Meta& meta) = 0;  // durable
  virtual Result<std::unique_ptr<Journal>> open_journal() = 0;
  // A damaged journal makes room for an empty one. Returns where it is kept.
  virtual Result<std::string> set_journal_aside() = 0;
  // Copies the records first..last of the journal, durably; calls `goes_on` again and again while
  // it lasts. Returns where they are kept.
  virtual Result<std::string> quarantine(Journal& journal, Lsn first, Lsn last,
                                         const std::function<void()>& goes_on) = 0;
  virtual Result<std::unique_ptr<SnapshotReader>> read_snapshot(const std::string& path) = 0;
  virtual Result<std::unique_ptr<SnapshotWriter>> write_snapshot(std::uint64_t bytes) = 0;
};

struct Ports {
  std::unique_ptr<Runtime> runtime;
  std::unique_ptr<DataFolder> folder;
  std::unique_ptr<PeerLink> link;  // null when there is no peer
};

}  // namespace tandemq::repl
