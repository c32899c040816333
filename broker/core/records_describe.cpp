// One line for a person about each record (tandemq-journal, test failures).
#include <cstdio>

#include "broker/core/record_codec.h"

namespace tandemq::core {

namespace {

// Text of clients may hold anything: quoted when it is not plain, control characters as \xNN.
std::string quoted(std::string_view text) {
  const bool plain = !text.empty() && text.find_first_of(" \"\\=") == std::string_view::npos;
  std::string out = plain ? "" : "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      char hex[5];
      std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned>(byte));
      out += hex;
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return plain ? out : out + '"';
}

std::string number(std::string_view name, std::uint64_t value) {
  return " " + std::string(name) + "=" + std::to_string(value);
}

std::string message_text(const MessageRef& message) {
  if (!message) return " message=none";
  std::string out = " topic=" + quoted(message->topic()) + number("qos", message->qos()) +
                    number("bytes", message->payload().size());
  if (message->expires_at() != 0) out += number("expires_at", message->expires_at());
  return out;
}

template <class R>
std::string id_fields(const R& r) {
  std::string out = number("session", r.session) + number("packet_id", r.packet_id);
  if (!r.more.empty()) out += number("more", r.more.size() / sizeof(r.packet_id));
  return out;
}

std::string fields(const ReignBegan& r) {
  return number("epoch", r.epoch) + number("time", r.time);
}

std::string fields(const SessionOpened& r) {
  std::string out = number("session", r.session) + " client_id=" + quoted(r.client_id) +
                    number("resumed", r.resumed) + number("version", r.version) +
                    number("keep_alive_s", r.keep_alive_s) + number("expiry_s", r.expiry_s) +
                    number("time", r.time);
  if (!r.username.empty()) out += " username=" + quoted(r.username);
  if (!r.listener.empty()) out += " listener=" + quoted(r.listener);
  if (r.has_will) out += number("will_delay_s", r.will.delay_s) + message_text(r.will.message);
  return out;
}

std::string fields(const SessionClosed& r) {
  return number("session", r.session) + number("time", r.time) + number("expiry_s", r.expiry_s) +
         number("drop_will", r.drop_will);
}

std::string fields(const SessionRemoved& r) {
  return number("session", r.session);
}

std::string fields(const Subscribed& r) {
  std::string out = number("session", r.session);
  for (const SubscriptionFields& s : r.subscriptions)
    out += " filter=" + quoted(s.filter) + number("qos", s.qos) +
           (s.retained_owed ? " retained_owed" : "");
  return out;
}

std::string fields(const Unsubscribed& r) {
  std::string out = number("session", r.session);
  for (std::string_view filter : r.filters) out += " filter=" + quoted(filter);
  return out;
}

std::string fields(const Published& r) {
  std::string out = message_text(r.message) + number("targets", r.targets.size());
  if (r.retain != RetainAction::none)
    out += r.retain == RetainAction::store ? " retain=store" : " retain=clear";
  if (r.inbound_id != 0) out += number("inbound_id", r.inbound_id);
  if (r.is_will) out += " will=1";
  if (r.publisher != kNoSession) out += number("publisher", r.publisher);
  if (r.moved_from != kNoSession) {
    out += number("moved_from", r.moved_from) + number("sequence", r.moved_sequence);
  }
  return out + number("time", r.time);
}

std::string fields(const RetainedQueued& r) {
  return number("session", r.session) + number("items", r.items.size());
}

std::string fields(const Sent& r) {
  std::string out = number("session", r.session) + number("count", r.packet_ids.size());
  if (!r.packet_ids.empty()) out += number("first_id", r.packet_ids.front());
  return out;
}

std::string fields(const Acked& r) {
  return id_fields(r);
}
std::string fields(const Received& r) {
  return id_fields(r);
}
std::string fields(const Completed& r) {
  return id_fields(r);
}
std::string fields(const Released& r) {
  return id_fields(r);
}

std::string fields(const Dropped& r) {
  return number("session", r.session) + number("count", r.sequence.size());
}

std::string fields(const RetainedExpired& r) {
  return " topic=" + quoted(r.topic);
}

std::string fields(const WillSettled& r) {
  return number("session", r.session);
}

// What is known of a password stays out of what is printed.
std::string fields(const AccountSet& r) {
  const AccountFields& account = r.account;
  const bool user = account.kind == AccountKind::user;
  std::string out = (user ? " user=" : " role=") + quoted(account.name);
  if (!r.exists) return out + " removed=1";
  if (user)
    out += number("enabled", account.enabled) + number("password", !account.password.empty());
  for (std::string_view line : account.lines) out += (user ? " has=" : " rule=") + quoted(line);
  return out;
}

}  // namespace

std::string describe(const Record& record) {
  switch (kind_of(record)) {
#define TMQ_X(number, kind, type, version) \
  case Kind::kind:                         \
    return #kind + fields(std::get<type>(record));
    TMQ_RECORD_KINDS(TMQ_X)
#undef TMQ_X
  }
  return {};
}

}  // namespace tandemq::core
