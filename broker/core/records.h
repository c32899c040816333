// Records: the facts that make up the state. A record carries decisions (who receives a message,
// under which packet identifier), so applying one never decides anything. Only what must outlive
// this process is a journal record: a session is `durable` when it may outlive its connection
// (session expiry above 0), owes the world a will, or is in a share with one that may; everything
// about other ("volatile") sessions goes through the same apply but not into the journal.
// Byte layout: docs/journal-format.md, section "Record bodies".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "broker/core/accounts.h"
#include "broker/core/message.h"
#include "broker/core/record_kinds.h"
#ifdef TANDEMQ_NEXT
#include "broker/core/next.h"
#endif

namespace tandemq::core {

// Names a session for as long as it exists. Volatile sessions have the top bit set and are known
// on one node only.
using SessionId = std::uint32_t;
constexpr SessionId kNoSession = 0;
constexpr SessionId kVolatileBit = 0x80000000u;
constexpr bool is_volatile(SessionId id) {
  return (id & kVolatileBit) != 0;
}

constexpr std::uint32_t kNeverExpires = 0xffffffffu;  // of a session expiry interval

// A record's body never exceeds kBodyMax bytes, whatever clients do: a client's packet takes at
// most half of it, the receivers or filters that are named beside it at most about a quarter. What
// is named beyond that goes into further records.
constexpr std::size_t kBodyMax = (64u << 20) - 64;
constexpr std::uint32_t kPacketSizeMax = 32u << 20;
constexpr std::size_t kRecordListMax = 16u << 20;

struct WillRecord {
  MessageRef message;
  std::uint32_t delay_s = 0;
  std::uint32_t message_expiry_s = 0;  // counts from its publication; 0 and !has: none
  bool has_message_expiry = false;
};

// A CONNECT was accepted. With `resumed` the session goes on, else it is new (an older one of the
// same client id was removed by a record of its own before).
struct SessionOpened {
  SessionId session = kNoSession;
  TimeMs time = 0;
  bool resumed = false;
  std::uint8_t version = 4;        // mqtt::Version
  std::uint16_t keep_alive_s = 0;  // grace after a failover
  std::uint32_t expiry_s = 0;
  std::string_view client_id;
  std::string_view username;
  std::string_view listener;  // name of the one that the client came in by
  bool has_will = false;
  WillRecord will;
};

// The connection ended; session expiry and will delay count from `time`.
struct SessionClosed {
  SessionId session = kNoSession;
  TimeMs time = 0;
  std::uint32_t expiry_s = 0;
  bool drop_will = false;  // DISCONNECT 0x00
#ifdef TANDEMQ_NEXT
  std::uint8_t reason = 7;
#endif
};

struct SessionRemoved {
  SessionId session = kNoSession;
};

struct SubscriptionFields {
  std::string_view filter;  // as the client wrote it, $share included
  std::uint8_t qos = 0;
  bool no_local = false;
  bool retain_as_published = false;
  std::uint8_t retain_handling = 0;
  std::uint32_t identifier = 0;  // 0: none
  // Its client may not have its retained messages yet: asked for again, it counts as new.
  bool retained_owed = false;
};

// New subscriptions, or what has become of them.
struct Subscribed {
  SessionId session = kNoSession;
  std::vector<SubscriptionFields> subscriptions;
};

struct Unsubscribed {
  SessionId session = kNoSession;
  std::vector<std::string_view> filters;
};

// One delivery of a message to one session, with QoS 1 or 2. QoS 0 makes no record, but where it
// waits for a client that is away (Limits::queue_qos0_messages): under no identifier, until a
// Dropped takes it off.
struct Target {
  SessionId session = kNoSession;
  std::uint16_t packet_id = 0;  // 0: waits in the queue until a `sent` record
  std::uint8_t qos = 0;
  bool retain = false;  // RETAIN flag of the delivery
  std::vector<std::uint32_t> subscription_ids;
};

enum class RetainAction : std::uint8_t { none, store, clear };

struct Published {
  TimeMs time = 0;
  SessionId publisher = kNoSession;  // set with inbound_id, or with will_of
  std::uint16_t inbound_id = 0;      // QoS 2: identifier to remember until PUBREL
  bool is_will = false;              // the will of `publisher`, which is settled by this
  RetainAction retain = RetainAction::none;
  MessageRef message;
  std::vector<Target> targets;  // in delivery order
  // Taken off the queue of this session, which ends: its delivery `moved_sequence`, passed on to
  // another member of its share. kNoSession: none.
  SessionId moved_from = kNoSession;
  std::uint64_t moved_sequence = 0;
};

// Retained messages put up for a new subscription; looked up by topic when applied.
struct RetainedQueued {
  struct Item {
    std::string_view topic;
    Target target;  // its session is the one below
  };
  SessionId session = kNoSession;
  std::vector<Item> items;
};

// The oldest unsent queued deliveries of the session go in flight with these identifiers.
struct Sent {
  SessionId session = kNoSession;
  std::vector<std::uint16_t> packet_ids;
};

// The four answers below are about one packet identifier, or about several that came one after
// another: those after the first stand in `more`, which is a part of the record's body (two bytes
// each, see each_packet_id). They run forward from the first (IdRun): none comes twice.
//
// PUBACK came, or a PUBREC with an error: the delivery is over.
struct Acked {
  SessionId session = kNoSession;
  std::uint16_t packet_id = 0;
  std::string_view more = {};
};
// PUBREC came: the message is the client's, its identifier waits for PUBCOMP.
struct Received {
  SessionId session = kNoSession;
  std::uint16_t packet_id = 0;
  std::string_view more = {};
};
// PUBCOMP came: the delivery is over.
struct Completed {
  SessionId session = kNoSession;
  std::uint16_t packet_id = 0;
  std::string_view more = {};
};
// PUBREL came from a publisher: the identifier means a new message from now on.
struct Released {
  SessionId session = kNoSession;
  std::uint16_t packet_id = 0;
  std::string_view more = {};
};

// Queued deliveries that will never be sent (expired, too large for the client, gone for a newer
// one) or, with QoS 0, never again: by their sequence number in the session.
struct Dropped {
  SessionId session = kNoSession;
  std::vector<std::uint64_t> sequence;
};

struct RetainedExpired {
  std::string_view topic;
};

// The will is dropped without being published (the client came back in time).
struct WillSettled {
  SessionId session = kNoSession;
};

struct AccountFields {
  AccountKind kind = AccountKind::user;
  std::string_view name;
  bool enabled = true;
  std::string_view password;
  std::vector<std::string_view> lines;
};

// A user or role as it is from now on, or that it is no more.
struct AccountSet {
  AccountFields account;
  bool exists = true;
};

// A promotion: every durable session that was connected counts as just disconnected at `time`, and
// is `orphaned`: its will waits at least its keep-alive grace. Written by the replicator.
struct ReignBegan {
  Epoch epoch = 0;
  TimeMs time = 0;
};

template <class R, class Visit>
void each_packet_id(const R& r, const Visit& visit) {
  visit(r.packet_id);
  for (std::size_t at = 0; at < r.more.size(); at += sizeof(std::uint16_t))
    visit(get_le<std::uint16_t>(r.more.data() + at));
}

template <class, class... Types>
using VariantOf = std::variant<Types...>;
#define TMQ_X(number, kind, type, version) , type
using Record = VariantOf<void TMQ_RECORD_KINDS(TMQ_X)>;
#undef TMQ_X

Kind kind_of(const Record& record);

// For a body version: the newest that this program knows.
constexpr std::uint8_t kNewestBody = 0xff;

// Appends the body of `record` to `out`.
void encode_record(std::string& out, const Record& record);

// Reads a body that was written in `version`. Views in the result point into `body`. Unknown kinds
// and malformed bodies are errors; the frame's checksum was checked before.
Result<Record> decode_record(Kind kind, std::string_view body, std::uint8_t version = kNewestBody);

// One line for a person: `published topic=a/b qos=1 bytes=64 targets=3` (tandemq-journal, tests).
std::string describe(const Record& record);

}  // namespace tandemq::core
