// Numbers on the datagrams between the agents: which ones are new, and how old what they say can
// be at most. Pure; authenticity (HMAC) and the socket are the shell's.
//
// A datagram carries its sender's boot id and a sequence number, and echoes the newest pair that
// its sender has accepted. So a receiver knows for certain that it was sent after the receiver's
// own datagram `echo`: that, and not the time of arrival, is what the in-sync lease counts from. A
// new boot id is believed only with such a proof from the last seconds; replayed datagrams of an
// earlier life have none.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "broker/base/ids.h"

namespace tandemq::failover {

struct Stamp {
  std::uint64_t boot = 0;
  std::uint64_t seq = 0;
  bool operator==(const Stamp&) const = default;
};

struct Numbers {
  Stamp own;
  Stamp echo;        // newest accepted
  Stamp greet;       // newest of an unproven boot id, so that its sender can prove itself
  TimeMs clock = 0;  // the sender's when it sent this, 0: not told
};

class PeerSession {
 public:
  explicit PeerSession(std::uint64_t boot) : boot_(boot) {}

  Numbers next(TimeMs now);

  struct Accepted {
    TimeMs echo_sent_at = 0;  // 0: the peer has heard nothing recent from us
    TimeMs clock = 0;         // the peer's
  };
  enum class Refusal : std::uint8_t { none, old, unproven };
  // The datagram, or why it is not to be believed. `unproven`: answer it with next().
  std::optional<Accepted> accept(const Numbers& numbers, TimeMs now, Refusal& why);

 private:
  TimeMs sent_at(const Stamp& echo) const;

  static constexpr std::size_t kRing = 1024;
  static constexpr TimeMs kProofMs = 5000;
  std::uint64_t boot_;
  std::uint64_t seq_ = 0;
  Stamp last_;
  Stamp greet_;
  std::array<TimeMs, kRing> sent_{};
};

}  // namespace tandemq::failover
