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

// Newest and oldest protocol that this program speaks. Fields may be added at the end of a message
// and messages be added without a new one (docs/replication-protocol.md, "Versions").
constexpr std::uint16_t kProtocolNewest = 2;
constexpr std::uint16_t kProtocolOldest = 2;
constexpr std::size_t kMessageHeader = 9;
constexpr std::uint32_t kMessageMax = 96u << 20;       // bytes: the largest frame and its batch
constexpr std::uint32_t kFirstMessageMax = 64u << 10;  // a Hello; nothing larger before it
constexpr std::size_t kTextMax = 1024;                 // bytes of a name or a reason
constexpr std::size_t kSettingsMax = 64;

namespace msg {

// First message both ways. The opening is the same in all protocols to come, so that any two
// programs can say who they are; the rest is read where the protocols meet.
struct Hello {
  std::uint16_t newest = kProtocolNewest;
  std::uint16_t oldest = kProtocolOldest;
  std::string software;  // version of the program, for words
  std::string pair_id;
  unsigned node_index = 0;
  std::string node_name;

  Epoch epoch_seen = 0;
  Role role = Role::standby;
  bool in_sync = false;      // confirmed: the node may be promoted without force
  bool was_in_sync = false;  // durable claim
  bool solo = false;         // durably solo
  bool needs_snapshot = false;
  bool by_sync = false;  // its commit rule is replicated+synced
  Lsn first = 0;         // oldest record in the journal, 0: none
  Lsn last = 0;
  EpochHistory history;
  std::uint64_t messages = 0;  // that it knows: bit n for type n
  Features known;
  std::vector<Setting> settings;
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
struct Reject {  // in this layout for ever; names both versions
  std::string reason;
};

#ifdef TANDEMQ_NEXT  // the test build that stands for the next release
struct Remark {
  std::string text;
};
#define TMQ_NEXT_MESSAGE , msg::Remark
#else
#define TMQ_NEXT_MESSAGE
#endif

}  // namespace msg

using Message = std::variant<msg::Hello, msg::Follow, msg::Records, msg::Confirm, msg::Heartbeat,
                             msg::InSync, msg::NeedSnapshot, msg::SnapshotBegin, msg::SnapshotChunk,
                             msg::SnapshotEnd, msg::SwitchoverOffer, msg::SwitchoverAccept,
                             msg::Goodbye, msg::Reject TMQ_NEXT_MESSAGE>;

// A message type is its place in the variant, from 1.
template <class M, std::size_t I = 0>
constexpr std::uint8_t type_of() {
  if constexpr (std::is_same_v<std::variant_alternative_t<I, Message>, M>) {
    return static_cast<std::uint8_t>(I + 1);
  } else {
    return type_of<M, I + 1>();
  }
}
template <class M>
constexpr std::uint64_t message_bit() {
  return std::uint64_t{1} << type_of<M>();
}
constexpr std::uint64_t kMessagesKnown = (std::uint64_t{2} << std::variant_size_v<Message>)-2;

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

// Who a node is, and whom it expects.
struct NodeIdentity {
  std::string software;
  std::string pair_id;
  unsigned node_index = 0;
  std::string node_name;
  std::string peer_name;  // empty: any
};
// The same checks for a dialled and an accepted link. The error is the sentence to reject with: it
// is read on both nodes, so it names them.
Status check_hello(const msg::Hello& hello, const NodeIdentity& own);
// "b (TandeMQ 0.1.0)"
std::string who(const std::string& node_name, const std::string& software);

}  // namespace tandemq::repl
