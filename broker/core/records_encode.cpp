// Record bodies to bytes: docs/journal-format.md, section "Record bodies".
#include "broker/base/bytes.h"
#include "broker/core/record_codec.h"

namespace tandemq::core {

namespace {

using Flags = std::uint8_t;

// `head`: what stands before the message in the record.
void put_message(std::string& out, SmallFields head, const Message& message) {
  Flags flags = message.qos();
  if (message.retain()) flags |= kMessageRetain;
  if (message.expires_at() != 0) flags |= kMessageExpires;
  if (!message.properties().empty()) flags |= kMessageProperties;
  head.le(flags);
  if (flags & kMessageExpires) head.le<std::uint64_t>(message.expires_at());
  head.le(static_cast<std::uint16_t>(message.topic().size())).append_to(out);
  out.append(message.topic());
  if (flags & kMessageProperties) put_string32(out, message.properties());
  put_string32(out, message.payload());
}

// `head`: what stands before the delivery in the record.
void put_delivery(std::string& out, SmallFields head, const Target& target) {
  Flags flags = target.qos;
  if (target.retain) flags |= kTargetRetain;
  if (!target.subscription_ids.empty()) flags |= kTargetIds;
  head.le<std::uint16_t>(target.packet_id).le(flags).append_to(out);
  if (!(flags & kTargetIds)) return;
  put_le<std::uint16_t>(out, static_cast<std::uint16_t>(target.subscription_ids.size()));
  for (std::uint32_t id : target.subscription_ids) put_le<std::uint32_t>(out, id);
}

void put_packet_id(std::string& out, SessionId session, std::uint16_t packet_id) {
  SmallFields().le<std::uint32_t>(session).le<std::uint16_t>(packet_id).append_to(out);
}

template <class T>
void put_count(std::string& out, const std::vector<T>& items) {
  put_le<std::uint32_t>(out, static_cast<std::uint32_t>(items.size()));
}

void put(std::string& out, const ReignBegan& r) {
  put_le<std::uint64_t>(out, r.epoch);
  put_le<std::uint64_t>(out, r.time);
}

void put(std::string& out, const SessionOpened& r) {
  put_le<std::uint32_t>(out, r.session);
  put_le<std::uint64_t>(out, r.time);
  const int flags = (r.resumed ? kOpenedResumed : 0) | (r.has_will ? kOpenedWill : 0) |
                    (r.has_will && r.will.has_message_expiry ? kOpenedWillExpiry : 0);
  put_le<std::uint8_t>(out, static_cast<Flags>(flags));
  put_le<std::uint8_t>(out, r.version);
  put_le<std::uint16_t>(out, r.keep_alive_s);
  put_le<std::uint32_t>(out, r.expiry_s);
  put_string16(out, r.client_id);
  put_string16(out, r.username);
  if (!r.has_will) return;
  put_le<std::uint32_t>(out, r.will.delay_s);
  if (r.will.has_message_expiry) put_le<std::uint32_t>(out, r.will.message_expiry_s);
  put_message(out, {}, *r.will.message);
}

void put(std::string& out, const SessionClosed& r) {
  put_le<std::uint32_t>(out, r.session);
  put_le<std::uint64_t>(out, r.time);
  put_le<std::uint32_t>(out, r.expiry_s);
  put_le<std::uint8_t>(out, r.drop_will ? 1 : 0);
}

#ifdef TANDEMQ_NEXT
void put(std::string& out, const SessionClosed& r, std::uint8_t version) {
  put(out, r);
  if (version >= 2) put_le<std::uint8_t>(out, r.reason);
}
#endif

void put(std::string& out, const SessionRemoved& r) {
  put_le<std::uint32_t>(out, r.session);
}

void put(std::string& out, const Subscribed& r) {
  put_le<std::uint32_t>(out, r.session);
  put_count(out, r.subscriptions);
  for (const SubscriptionFields& s : r.subscriptions) {
    const int flags = s.qos | (s.no_local ? kSubscriptionNoLocal : 0) |
                      (s.retain_as_published ? kSubscriptionRetainAsPublished : 0) |
                      s.retain_handling << kSubscriptionRetainHandlingShift;
    put_le<std::uint8_t>(out, static_cast<Flags>(flags));
    put_le<std::uint32_t>(out, s.identifier);
    put_string16(out, s.filter);
  }
}

void put(std::string& out, const Unsubscribed& r) {
  put_le<std::uint32_t>(out, r.session);
  put_count(out, r.filters);
  for (std::string_view filter : r.filters) put_string16(out, filter);
}

void put(std::string& out, const Published& r) {
  const bool named = r.inbound_id != 0 || r.is_will;
  const int flags = static_cast<int>(r.retain) | (r.inbound_id != 0 ? kPublishedInbound : 0) |
                    (r.is_will ? kPublishedWill : 0);
  SmallFields head;
  head.le<std::uint64_t>(r.time).le(static_cast<Flags>(flags));
  if (named) head.le<std::uint32_t>(r.publisher);
  if (r.inbound_id != 0) head.le<std::uint16_t>(r.inbound_id);
  put_message(out, head, *r.message);
  put_count(out, r.targets);
  for (const Target& target : r.targets) {
    put_delivery(out, SmallFields().le<std::uint32_t>(target.session), target);
  }
}

void put(std::string& out, const RetainedQueued& r) {
  put_le<std::uint32_t>(out, r.session);
  put_count(out, r.items);
  for (const RetainedQueued::Item& item : r.items) {
    put_string16(out, item.topic);
    put_delivery(out, {}, item.target);
  }
}

void put(std::string& out, const Sent& r) {
  put_le<std::uint32_t>(out, r.session);
  put_count(out, r.packet_ids);
  for (std::uint16_t id : r.packet_ids) put_le<std::uint16_t>(out, id);
}

void put(std::string& out, const Acked& r) {
  put_packet_id(out, r.session, r.packet_id);
}
void put(std::string& out, const Received& r) {
  put_packet_id(out, r.session, r.packet_id);
}
void put(std::string& out, const Completed& r) {
  put_packet_id(out, r.session, r.packet_id);
}
void put(std::string& out, const Released& r) {
  put_packet_id(out, r.session, r.packet_id);
}

void put(std::string& out, const Dropped& r) {
  put_le<std::uint32_t>(out, r.session);
  put_count(out, r.sequence);
  for (std::uint64_t sequence : r.sequence) put_le<std::uint64_t>(out, sequence);
}

void put(std::string& out, const RetainedExpired& r) {
  put_string16(out, r.topic);
}

void put(std::string& out, const WillSettled& r) {
  put_le<std::uint32_t>(out, r.session);
}

// A body that has grown is written as its reader knows it: put(out, r, version).
template <class R>
void put_as(std::string& out, const R& r, std::uint8_t version) {
  if constexpr (kHasGrown<R>) {
    put(out, r, version);
  } else {
    put(out, r);
  }
}

}  // namespace

#define TMQ_X(number, kind, type, version)                               \
  void encode_body(std::string& out, const type& r, std::uint8_t body) { \
    put_as(out, r, body);                                                \
  }
TMQ_RECORD_KINDS(TMQ_X)
#undef TMQ_X

void encode_record(std::string& out, const Record& record) {
  std::visit([&out](const auto& r) { encode_body(out, r); }, record);
}

Kind kind_of(const Record& record) {
  return std::visit([](const auto& r) { return kind_of_body(r); }, record);
}

}  // namespace tandemq::core
