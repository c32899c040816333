// Messages between the two nodes (docs/replication-protocol.md is the byte table):
//   u32 length of the whole message   u32 CRC-32C of bytes 8..length (0 and unchecked for Records
//   and SnapshotChunk bodies, which carry their own)   u8 type   body
// decode() trusts nothing: sizes are bounded before anything is allocated or kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "broker/base/result.h"
#include "replicator/core/types.h"

namespace tandemq::repl {

constexpr std::uint16_t kProtocolVersion = 1;
constexpr std::size_t kMessageHeader = 9;
constexpr std::uint32_t kMessageMax = 96u << 20;       // bytes: the largest frame and its batch
constexpr std::uint32_t kFirstMessageMax = 64u << 10;  // a Hello; nothing larger before it
constexpr std::size_t kTextMax = 1024;                 // bytes of a name or a reason

namespace msg {

// First message both ways.
struct Hello {
  std::uint16_t version = kProtocolVersion;
  std::string pair_id;
  unsigned node_index = 0;
  std::string node_name;
  Epoch epoch_seen = 0;
  Role role = Role::standby;
  bool in_sync = false;      // confirmed: the node may be promoted without force
  bool was_in_sync = false;  // durable claim
  bool solo = false;         // durably solo
  bool needs_snapshot = false;
  Lsn first = 0;  // oldest record in the journal, 0: none
  Lsn last = 0;
  EpochHistory history;
};

// Primary → standby after the Hellos: how the stream starts.
struct Follow {
  Epoch epoch = 0;
  Lsn keep_through = 0;    // the last common record; the standby cuts what is beyond
  bool in_sync = false;    // the standby lacks no committed record
  bool sync_each = false;  // rule replicated+synced: Confirm.synced is waited for
  bool snapshot = false;   // a snapshot comes first
};

// Journal frames verbatim, contiguous.
struct Records {
  std::string_view frames;
};

// Standby → primary; also its sign of life.
struct Confirm {
  Epoch epoch = 0;       // of the primary that it follows
  Lsn received = 0;      // written (page cache)
  Lsn synced = 0;        // fdatasync'ed
  bool in_sync = false;  // durably so
};

struct Heartbeat {
  Epoch epoch = 0;
  Lsn last = 0;
  Lsn committed = 0;
  TimeMs pair_time = 0;  // filled in by the shell; 0 from a standby
};

// Primary → standby: you hold every committed record once you hold `lsn`; make that durable and
// confirm it.
struct InSync {
  Epoch epoch = 0;
  Lsn lsn = 0;
};

// Standby → primary: cannot go on from the journal.
struct NeedSnapshot {
  std::string reason;
};

struct SnapshotBegin {
  Lsn lsn = 0;  // the state is that after this record
  std::uint64_t bytes = 0;
  EpochHistory history;  // up to lsn
};
struct SnapshotChunk {
  std::uint64_t offset = 0;
  std::uint32_t crc = 0;  // CRC-32C of `bytes`
  std::string_view bytes;
};
struct SnapshotEnd {
  std::uint32_t crc = 0;  // CRC-32C of the whole file
};

// Primary, which has stepped down durably and holds nothing beyond `lsn`: reign.
struct SwitchoverOffer {
  Epoch epoch = 0;  // the one that ends
  Lsn lsn = 0;
};
struct SwitchoverAccept {
  Epoch epoch = 0;  // the one that begins; 0: refused
  std::string reason;
};

struct Goodbye {
  bool out_of_sync = false;  // the sender has durably marked itself so
  std::string reason;
};
struct Reject {
  std::string reason;
};

}  // namespace msg

using Message =
    std::variant<msg::Hello, msg::Follow, msg::Records, msg::Confirm, msg::Heartbeat, msg::InSync,
                 msg::NeedSnapshot, msg::SnapshotBegin, msg::SnapshotChunk, msg::SnapshotEnd,
                 msg::SwitchoverOffer, msg::SwitchoverAccept, msg::Goodbye, msg::Reject>;

// Appends the message to `out`.
void encode(std::string& out, const Message& message);
// Appends the header of a Records message whose `frame_bytes` of frames the caller sends after it.
void encode_records_header(std::string& out, std::size_t frame_bytes);

enum class WireRead : std::uint8_t { message, need_more, damaged };
// Reads the message at the front of `in`, which is `size` bytes long when complete. Views in
// `message` point into `in`. `limit` is the largest size accepted.
WireRead decode(std::string_view in, Message& message, std::size_t& size,
                std::uint32_t limit = kMessageMax);

// "Hello", "Records", ...
const char* name_of(const Message& message);

// The same checks for a dialled and an accepted link. The error is the sentence to reject with.
Status check_hello(const msg::Hello& hello, const std::string& pair_id, unsigned own_index);

}  // namespace tandemq::repl
