// Record bodies to bytes: docs/journal-format.md, section "Record bodies".
#include "broker/base/byte_source.h"
#include "broker/core/record_codec.h"

namespace tandemq::core {

namespace {

using Flags = std::uint8_t;

template <class Out>
void put_message(Out& out, const Message& message) {
  Flags flags = message.qos();
  if (message.retain()) flags |= kMessageRetain;
  if (message.expires_at() != 0) flags |= kMessageExpires;
  if (!message.properties().empty()) flags |= kMessageProperties;
  out.u8(flags);
  if (flags & kMessageExpires) out.u64(message.expires_at());
  out.string16(message.topic());
  if (flags & kMessageProperties) out.string32(message.properties());
  out.string32(message.payload());
}

template <class Out>
void put_delivery(Out& out, const Target& target) {
  Flags flags = target.qos;
  if (target.retain) flags |= kTargetRetain;
  if (!target.subscription_ids.empty()) flags |= kTargetIds;
  out.u16(target.packet_id);
  out.u8(flags);
  if (!(flags & kTargetIds)) return;
  out.u16(static_cast<std::uint16_t>(target.subscription_ids.size()));
  for (std::uint32_t id : target.subscription_ids) out.u32(id);
}

template <class Out, class R>
void put_packet_ids(Out& out, const R& r) {
  out.u32(r.session);
  each_packet_id(r, [&out](std::uint16_t id) { out.u16(id); });
}

template <class Out, class T>
void put_count(Out& out, const std::vector<T>& items) {
  out.u32(static_cast<std::uint32_t>(items.size()));
}

template <class Out>
void put(Out& out, const ReignBegan& r) {
  out.u64(r.epoch);
  out.u64(r.time);
}

template <class Out>
void put(Out& out, const SessionOpened& r) {
  out.u32(r.session);
  out.u64(r.time);
  const int flags = (r.resumed ? kOpenedResumed : 0) | (r.has_will ? kOpenedWill : 0) |
                    (r.has_will && r.will.has_message_expiry ? kOpenedWillExpiry : 0);
  out.u8(static_cast<Flags>(flags));
  out.u8(r.version);
  out.u16(r.keep_alive_s);
  out.u32(r.expiry_s);
  out.string16(r.client_id);
  out.string16(r.username);
  out.string16(r.listener);
  if (!r.has_will) return;
  out.u32(r.will.delay_s);
  if (r.will.has_message_expiry) out.u32(r.will.message_expiry_s);
  put_message(out, *r.will.message);
}

template <class Out>
void put(Out& out, const SessionClosed& r) {
  out.u32(r.session);
  out.u64(r.time);
  out.u32(r.expiry_s);
  out.u8(r.drop_will ? 1 : 0);
}

#ifdef TANDEMQ_NEXT
template <class Out>
void put(Out& out, const SessionClosed& r, std::uint8_t version) {
  put(out, r);
  if (version >= 2) out.u8(r.reason);
}
#endif

template <class Out>
void put(Out& out, const SessionRemoved& r) {
  out.u32(r.session);
}

template <class Out>
void put(Out& out, const Subscribed& r) {
  out.u32(r.session);
  put_count(out, r.subscriptions);
  for (const SubscriptionFields& s : r.subscriptions) {
    const int flags = s.qos | (s.no_local ? kSubscriptionNoLocal : 0) |
                      (s.retain_as_published ? kSubscriptionRetainAsPublished : 0) |
                      s.retain_handling << kSubscriptionRetainHandlingShift |
                      (s.retained_owed ? kSubscriptionRetainedOwed : 0);
    out.u8(static_cast<Flags>(flags));
    out.u32(s.identifier);
    out.string16(s.filter);
  }
}

template <class Out>
void put(Out& out, const Unsubscribed& r) {
  out.u32(r.session);
  put_count(out, r.filters);
  for (std::string_view filter : r.filters) out.string16(filter);
}

template <class Out>
void put(Out& out, const Published& r) {
  const bool named = r.inbound_id != 0 || r.is_will;
  const int flags = static_cast<int>(r.retain) | (r.inbound_id != 0 ? kPublishedInbound : 0) |
                    (r.is_will ? kPublishedWill : 0) |
                    (r.moved_from != kNoSession ? kPublishedMoved : 0);
  out.u64(r.time);
  out.u8(static_cast<Flags>(flags));
  if (named) out.u32(r.publisher);
  if (r.inbound_id != 0) out.u16(r.inbound_id);
  if (r.moved_from != kNoSession) {
    out.u32(r.moved_from);
    out.u64(r.moved_sequence);
  }
  put_message(out, *r.message);
  put_count(out, r.targets);
  for (const Target& target : r.targets) {
    out.u32(target.session);
    put_delivery(out, target);
  }
}

template <class Out>
void put(Out& out, const RetainedQueued& r) {
  out.u32(r.session);
  put_count(out, r.items);
  for (const RetainedQueued::Item& item : r.items) {
    out.string16(item.topic);
    put_delivery(out, item.target);
  }
}

template <class Out>
void put(Out& out, const Sent& r) {
  out.u32(r.session);
  put_count(out, r.packet_ids);
  for (std::uint16_t id : r.packet_ids) out.u16(id);
}

template <class Out>
void put(Out& out, const Acked& r) {
  put_packet_ids(out, r);
}
template <class Out>
void put(Out& out, const Received& r) {
  put_packet_ids(out, r);
}
template <class Out>
void put(Out& out, const Completed& r) {
  put_packet_ids(out, r);
}
template <class Out>
void put(Out& out, const Released& r) {
  put_packet_ids(out, r);
}

template <class Out>
void put(Out& out, const Dropped& r) {
  out.u32(r.session);
  put_count(out, r.sequence);
  for (std::uint64_t sequence : r.sequence) out.u64(sequence);
}

template <class Out>
void put(Out& out, const RetainedExpired& r) {
  out.string16(r.topic);
}

template <class Out>
void put(Out& out, const WillSettled& r) {
  out.u32(r.session);
}

template <class Out>
void put(Out& out, const AccountSet& r) {
  const AccountFields& account = r.account;
  out.u8(static_cast<std::uint8_t>(account.kind));
  const int flags = (r.exists ? kAccountExists : 0) | (account.enabled ? kAccountEnabled : 0);
  out.u8(static_cast<Flags>(flags));
  out.string16(account.name);
  out.string16(account.password);
  put_count(out, account.lines);
  for (std::string_view line : account.lines) out.string16(line);
}

// A body that has grown is written as its reader knows it: put(out, r, version).
template <class Out, class R>
void put_as(Out& out, const R& r, std::uint8_t version) {
  if constexpr (kHasGrown<R>) {
    put(out, r, version);
  } else {
    put(out, r);
  }
}

}  // namespace

#define TMQ_X(number, kind, type, newest)                           \
  std::size_t body_size(const type& r, std::uint8_t version) {      \
    FieldCounter counter;                                           \
    put_as(counter, r, version);                                    \
    return counter.size();                                          \
  }                                                                 \
  char* write_body(char* at, const type& r, std::uint8_t version) { \
    FieldWriter writer(at);                                         \
    put_as(writer, r, version);                                     \
    return writer.end();                                            \
  }
TMQ_RECORD_KINDS(TMQ_X)
#undef TMQ_X

void encode_record(std::string& out, const Record& record) {
  std::visit(
      [&out](const auto& r) {
        const std::size_t before = out.size();
        out.resize(before + body_size(r));
        write_body(out.data() + before, r);
      },
      record);
}

Kind kind_of(const Record& record) {
  return std::visit([](const auto& r) { return kind_of_body(r); }, record);
}

}  // namespace tandemq::core
