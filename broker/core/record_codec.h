// What the writer and the reader of record bodies share: flag bits (docs/journal-format.md, section
// "Record bodies") and the entry points by type, which spare the hot path a std::variant.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/core/records.h"

namespace tandemq::core {

enum MessageFlag : std::uint8_t {
  kMessageQos = 0x03,
  kMessageRetain = 0x04,
  kMessageExpires = 0x08,
  kMessageProperties = 0x10
};
enum TargetFlag : std::uint8_t { kTargetQos = 0x03, kTargetRetain = 0x04, kTargetIds = 0x08 };
enum OpenedFlag : std::uint8_t {
  kOpenedResumed = 0x01,
  kOpenedWill = 0x02,
  kOpenedWillExpiry = 0x04
};
enum PublishedFlag : std::uint8_t {
  kPublishedRetain = 0x03,
  kPublishedInbound = 0x04,
  kPublishedWill = 0x08
};
enum SubscriptionFlag : std::uint8_t {
  kSubscriptionQos = 0x03,
  kSubscriptionNoLocal = 0x04,
  kSubscriptionRetainAsPublished = 0x08,
  kSubscriptionRetainHandling = 0x30,
  kSubscriptionRetainHandlingShift = 4
};

constexpr Kind kind_of_body(const ReignBegan&) {
  return Kind::reign_began;
}
constexpr Kind kind_of_body(const SessionOpened&) {
  return Kind::session_opened;
}
constexpr Kind kind_of_body(const SessionClosed&) {
  return Kind::session_closed;
}
constexpr Kind kind_of_body(const SessionRemoved&) {
  return Kind::session_removed;
}
constexpr Kind kind_of_body(const Subscribed&) {
  return Kind::subscribed;
}
constexpr Kind kind_of_body(const Unsubscribed&) {
  return Kind::unsubscribed;
}
constexpr Kind kind_of_body(const Published&) {
  return Kind::published;
}
constexpr Kind kind_of_body(const RetainedQueued&) {
  return Kind::retained_queued;
}
constexpr Kind kind_of_body(const Sent&) {
  return Kind::sent;
}
constexpr Kind kind_of_body(const Acked&) {
  return Kind::acked;
}
constexpr Kind kind_of_body(const Received&) {
  return Kind::received;
}
constexpr Kind kind_of_body(const Completed&) {
  return Kind::completed;
}
constexpr Kind kind_of_body(const Released&) {
  return Kind::released;
}
constexpr Kind kind_of_body(const Dropped&) {
  return Kind::dropped;
}
constexpr Kind kind_of_body(const RetainedExpired&) {
  return Kind::retained_expired;
}
constexpr Kind kind_of_body(const WillSettled&) {
  return Kind::will_settled;
}

void encode_body(std::string& out, const ReignBegan& r);
void encode_body(std::string& out, const SessionOpened& r);
void encode_body(std::string& out, const SessionClosed& r);
void encode_body(std::string& out, const SessionRemoved& r);
void encode_body(std::string& out, const Subscribed& r);
void encode_body(std::string& out, const Unsubscribed& r);
void encode_body(std::string& out, const Published& r);
void encode_body(std::string& out, const RetainedQueued& r);
void encode_body(std::string& out, const Sent& r);
void encode_body(std::string& out, const Acked& r);
void encode_body(std::string& out, const Received& r);
void encode_body(std::string& out, const Completed& r);
void encode_body(std::string& out, const Released& r);
void encode_body(std::string& out, const Dropped& r);
void encode_body(std::string& out, const RetainedExpired& r);
void encode_body(std::string& out, const WillSettled& r);

// Reads a body of this kind into `record`, whose vectors keep their capacity if it already holds
// that kind. False when it is malformed or the kind is unknown; `record` is then unspecified.
bool decode_body(Kind kind, std::string_view body, Record& record);

}  // namespace tandemq::core
