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
  kPublishedWill = 0x08,
  kPublishedMoved = 0x10
};
enum SubscriptionFlag : std::uint8_t {
  kSubscriptionQos = 0x03,
  kSubscriptionNoLocal = 0x04,
  kSubscriptionRetainAsPublished = 0x08,
  kSubscriptionRetainHandling = 0x30,
  kSubscriptionRetainHandlingShift = 4,
  kSubscriptionRetainedOwed = 0x40
};
enum AccountFlag : std::uint8_t { kAccountExists = 0x01, kAccountEnabled = 0x02 };

// Whether a body has had fields added since its first version.
template <class R>
inline constexpr bool kHasGrown = false;

// A body is written in `version`, which the peer can read (RecordSink::writes): body_size() bytes.
// It is read into a record whose vectors keep their capacity; what versions after `version` added
// keeps its default. False when it is malformed; the record is then unspecified.
#define TMQ_X(number, kind, type, newest)                                        \
  constexpr Kind kind_of_body(const type&) {                                     \
    return Kind::kind;                                                           \
  }                                                                              \
  template <>                                                                    \
  inline constexpr bool kHasGrown<type> = newest > 1;                            \
  std::size_t body_size(const type& r, std::uint8_t version = kNewestBody);      \
  char* write_body(char* at, const type& r, std::uint8_t version = kNewestBody); \
  bool decode_body(std::string_view body, type& r, std::uint8_t version = kNewestBody);
TMQ_RECORD_KINDS(TMQ_X)
#undef TMQ_X

// The same by kind. The record keeps what it has reserved if it already holds that kind. False also
// when the kind is unknown.
bool decode_body(Kind kind, std::string_view body, Record& record,
                 std::uint8_t version = kNewestBody);

}  // namespace tandemq::core
