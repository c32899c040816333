// The one list of record kinds. Everything that has to know each kind is made from it or checked
// against it by the compiler: Kind, Record, codec, apply and its check, the checkpoint's fold, the
// line for a person, and what tests make up. A kind that one of them leaves out does not build.
//
// Kinds below 16 belong to the replicator (replicator/core/frame.h); of those the core looks at
// reign_began only. Numbers are for ever; `version` of the body grows with each field that is added
// to it (docs/journal-format.md, section "Record bodies").
#pragma once

#include <cstdint>
#include <iterator>
#include <string_view>

// A build for tests stands for the next release: one kind more, and one field more in an old one
// (broker/core/next.h).
#ifdef TANDEMQ_NEXT
#define TMQ_NEXT_KINDS(X) X(32, noted, Noted, 1)
#define TMQ_CLOSED_VERSION 2
#else
#define TMQ_NEXT_KINDS(X)
#define TMQ_CLOSED_VERSION 1
#endif

// X(number, kind, type, version)
#define TMQ_RECORD_KINDS(X)                                \
  X(1, reign_began, ReignBegan, 1)                         \
  X(16, session_opened, SessionOpened, 1)                  \
  X(17, session_closed, SessionClosed, TMQ_CLOSED_VERSION) \
  X(18, session_removed, SessionRemoved, 1)                \
  X(19, subscribed, Subscribed, 1)                         \
  X(20, unsubscribed, Unsubscribed, 1)                     \
  X(21, published, Published, 1)                           \
  X(22, retained_queued, RetainedQueued, 1)                \
  X(23, sent, Sent, 1)                                     \
  X(24, acked, Acked, 1)                                   \
  X(25, received, Received, 1)                             \
  X(26, completed, Completed, 1)                           \
  X(27, released, Released, 1)                             \
  X(28, dropped, Dropped, 1)                               \
  X(29, retained_expired, RetainedExpired, 1)              \
  X(30, will_settled, WillSettled, 1)                      \
  X(31, account_set, AccountSet, 1)                        \
  TMQ_NEXT_KINDS(X)

namespace tandemq::core {

enum class Kind : std::uint16_t {
#define TMQ_X(number, kind, type, version) kind = number,
  TMQ_RECORD_KINDS(TMQ_X)
#undef TMQ_X
};

struct KindFacts {
  Kind kind;
  std::string_view name;
  std::uint8_t version;  // of the body
};

// By number.
inline constexpr KindFacts kKinds[] = {
#define TMQ_X(number, kind, type, version) {Kind::kind, #kind, version},
    TMQ_RECORD_KINDS(TMQ_X)
#undef TMQ_X
};

consteval bool kinds_ascend() {
  for (std::size_t i = 1; i < std::size(kKinds); ++i)
    if (kKinds[i - 1].kind >= kKinds[i].kind) return false;
  return true;
}
static_assert(kinds_ascend(), "each kind has a number of its own, in order");

}  // namespace tandemq::core
