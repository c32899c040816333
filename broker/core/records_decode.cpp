// Record bodies from bytes: docs/journal-format.md, section "Record bodies".
#include "broker/base/bytes.h"
#include "broker/core/record_codec.h"

namespace tandemq::core {

namespace {

std::uint8_t read_qos(ByteReader& in, std::uint8_t flags) {
  const std::uint8_t qos = flags & 0x03;
  if (qos > 2) in.fail();
  return qos;
}

std::uint8_t read_flags(ByteReader& in, int known) {
  const auto flags = in.le<std::uint8_t>();
  if ((flags & ~known) != 0) in.fail();
  return flags;
}

// A number of items of at least `size_min` bytes each: never more than the rest can hold.
std::uint32_t read_count(ByteReader& in, std::size_t size_min) {
  const auto count = in.le<std::uint32_t>();
  if (count > in.left() / size_min) in.fail();
  return in.ok() ? count : 0;
}

MessageRef read_message(ByteReader& in) {
  MessageFields fields;
  const std::uint8_t flags =
      read_flags(in, kMessageQos | kMessageRetain | kMessageExpires | kMessageProperties);
  fields.qos = read_qos(in, flags);
  fields.retain = (flags & kMessageRetain) != 0;
  if (flags & kMessageExpires) fields.expires_at = in.le<std::uint64_t>();
  fields.topic = in.string16();
  if (flags & kMessageProperties) fields.properties = in.string32();
  fields.payload = in.string32();
  return in.ok() ? Message::create(fields) : MessageRef();
}

void read_delivery(ByteReader& in, Target& target) {
  target.packet_id = in.le<std::uint16_t>();
  const std::uint8_t flags = read_flags(in, kTargetQos | kTargetRetain | kTargetIds);
  target.qos = read_qos(in, flags);
  target.retain = (flags & kTargetRetain) != 0;
  target.subscription_ids.clear();
  if (!(flags & kTargetIds)) return;
  const auto count = in.le<std::uint16_t>();
  if (count > in.left() / 4) in.fail();
  for (int i = 0; in.ok() && i < count; ++i)
    target.subscription_ids.push_back(in.le<std::uint32_t>());
}

void read(ByteReader& in, ReignBegan& r) {
  r.epoch = in.le<std::uint64_t>();
  r.time = in.le<std::uint64_t>();
}

void read(ByteReader& in, SessionOpened& r) {
  r.session = in.le<std::uint32_t>();
  r.time = in.le<std::uint64_t>();
  const std::uint8_t flags = read_flags(in, kOpenedResumed | kOpenedWill | kOpenedWillExpiry);
  r.resumed = (flags & kOpenedResumed) != 0;
  r.has_will = (flags & kOpenedWill) != 0;
  r.version = in.le<std::uint8_t>();
  if (r.version < 3 || r.version > 5) in.fail();
  r.keep_alive_s = in.le<std::uint16_t>();
  r.expiry_s = in.le<std::uint32_t>();
  r.client_id = in.string16();
  r.username = in.string16();
  r.listener = in.string16();
  r.will = {};
  if (!r.has_will) return;
  r.will.delay_s = in.le<std::uint32_t>();
  r.will.has_message_expiry = (flags & kOpenedWillExpiry) != 0;
  if (r.will.has_message_expiry) r.will.message_expiry_s = in.le<std::uint32_t>();
  r.will.message = read_message(in);
}

void read(ByteReader& in, SessionClosed& r) {
  r.session = in.le<std::uint32_t>();
  r.time = in.le<std::uint64_t>();
  r.expiry_s = in.le<std::uint32_t>();
  r.drop_will = read_flags(in, 1) != 0;
}

#ifdef TANDEMQ_NEXT
void read(ByteReader& in, SessionClosed& r, std::uint8_t version) {
  read(in, r);
  r.reason = version >= 2 ? in.le<std::uint8_t>() : std::uint8_t{0};
}
#endif

void read(ByteReader& in, SessionRemoved& r) {
  r.session = in.le<std::uint32_t>();
}

void read(ByteReader& in, Subscribed& r) {
  r.session = in.le<std::uint32_t>();
  r.subscriptions.resize(read_count(in, 7));
  for (SubscriptionFields& s : r.subscriptions) {
    const std::uint8_t flags =
        read_flags(in, kSubscriptionQos | kSubscriptionNoLocal | kSubscriptionRetainAsPublished |
                           kSubscriptionRetainHandling | kSubscriptionRetainedOwed);
    s.qos = read_qos(in, flags);
    s.no_local = (flags & kSubscriptionNoLocal) != 0;
    s.retain_as_published = (flags & kSubscriptionRetainAsPublished) != 0;
    s.retain_handling = static_cast<std::uint8_t>((flags & kSubscriptionRetainHandling) >>
                                                  kSubscriptionRetainHandlingShift);
    s.retained_owed = (flags & kSubscriptionRetainedOwed) != 0;
    if (s.retain_handling > 2) in.fail();
    s.identifier = in.le<std::uint32_t>();
    s.filter = in.string16();
  }
}

void read(ByteReader& in, Unsubscribed& r) {
  r.session = in.le<std::uint32_t>();
  r.filters.resize(read_count(in, 2));
  for (std::string_view& filter : r.filters) filter = in.string16();
}

void read(ByteReader& in, Published& r) {
  r.time = in.le<std::uint64_t>();
  const std::uint8_t flags =
      read_flags(in, kPublishedRetain | kPublishedInbound | kPublishedWill | kPublishedMoved);
  if ((flags & kPublishedRetain) > 2) in.fail();
  r.retain = static_cast<RetainAction>(flags & kPublishedRetain);
  r.is_will = (flags & kPublishedWill) != 0;
  const bool named = (flags & (kPublishedInbound | kPublishedWill)) != 0;
  r.publisher = named ? in.le<std::uint32_t>() : kNoSession;
  r.inbound_id = flags & kPublishedInbound ? in.le<std::uint16_t>() : std::uint16_t{0};
  if ((flags & kPublishedInbound) != 0 && r.inbound_id == 0) in.fail();
  const bool moved = (flags & kPublishedMoved) != 0;
  r.moved_from = moved ? in.le<std::uint32_t>() : kNoSession;
  r.moved_sequence = moved ? in.le<std::uint64_t>() : 0;
  if (moved && r.moved_from == kNoSession) in.fail();
  r.message = read_message(in);
  r.targets.resize(read_count(in, 7));
  for (Target& target : r.targets) {
    target.session = in.le<std::uint32_t>();
    read_delivery(in, target);
    if (!in.ok()) return;
  }
}

void read(ByteReader& in, RetainedQueued& r) {
  r.session = in.le<std::uint32_t>();
  r.items.resize(read_count(in, 5));
  for (RetainedQueued::Item& item : r.items) {
    item.topic = in.string16();
    item.target.session = r.session;
    read_delivery(in, item.target);
    if (!in.ok()) return;
  }
}

void read(ByteReader& in, Sent& r) {
  r.session = in.le<std::uint32_t>();
  r.packet_ids.resize(read_count(in, 2));
  for (std::uint16_t& id : r.packet_ids) id = in.le<std::uint16_t>();
}

template <class T>
void read_packet_ids(ByteReader& in, T& r) {
  r.session = in.le<std::uint32_t>();
  r.packet_id = in.le<std::uint16_t>();
  if (in.left() % sizeof(r.packet_id) != 0) in.fail();
  r.more = in.bytes(in.left());
}
void read(ByteReader& in, Acked& r) {
  read_packet_ids(in, r);
}
void read(ByteReader& in, Received& r) {
  read_packet_ids(in, r);
}
void read(ByteReader& in, Completed& r) {
  read_packet_ids(in, r);
}
void read(ByteReader& in, Released& r) {
  read_packet_ids(in, r);
}

void read(ByteReader& in, Dropped& r) {
  r.session = in.le<std::uint32_t>();
  r.sequence.resize(read_count(in, 8));
  for (std::uint64_t& sequence : r.sequence) sequence = in.le<std::uint64_t>();
}

void read(ByteReader& in, RetainedExpired& r) {
  r.topic = in.string16();
}

void read(ByteReader& in, WillSettled& r) {
  r.session = in.le<std::uint32_t>();
}

void read(ByteReader& in, AccountSet& r) {
  AccountFields& account = r.account;
  account.kind = AccountKind{in.le<std::uint8_t>()};
  if (account.kind != AccountKind::user && account.kind != AccountKind::role) in.fail();
  const std::uint8_t flags = read_flags(in, kAccountExists | kAccountEnabled);
  r.exists = (flags & kAccountExists) != 0;
  account.enabled = (flags & kAccountEnabled) != 0;
  account.name = in.string16();
  account.password = in.string16();
  account.lines.resize(read_count(in, 2));
  for (std::string_view& line : account.lines) line = in.string16();
}

template <class T>
bool read_whole(std::string_view body, T& r, std::uint8_t version) {
  ByteReader in(body);
  if constexpr (kHasGrown<T>) {
    read(in, r, version);
  } else {
    read(in, r);
  }
  return in.ok() && in.left() == 0;
}

template <class T>
T& reuse(Record& record) {
  T* held = std::get_if<T>(&record);
  return held ? *held : record.emplace<T>();
}

}  // namespace

#define TMQ_X(number, kind, type, newest)                                  \
  bool decode_body(std::string_view body, type& r, std::uint8_t written) { \
    return read_whole(body, r, written);                                   \
  }
TMQ_RECORD_KINDS(TMQ_X)
#undef TMQ_X

bool decode_body(Kind kind, std::string_view body, Record& record, std::uint8_t written) {
  switch (kind) {
#define TMQ_X(number, kind, type, version) \
  case Kind::kind:                         \
    return decode_body(body, reuse<type>(record), written);
    TMQ_RECORD_KINDS(TMQ_X)
#undef TMQ_X
  }
  return false;
}

Result<Record> decode_record(Kind kind, std::string_view body, std::uint8_t version) {
  Record record;
  if (decode_body(kind, body, record, version)) return record;
  return Error{"a record of kind " + std::to_string(static_cast<unsigned>(kind)) + " with " +
               std::to_string(body.size()) +
               " bytes cannot be read; it was written by another version, or is damaged"};
}

}  // namespace tandemq::core
