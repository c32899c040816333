// Slows down whoever guesses passwords. Pure: time comes in with each call, in milliseconds.
//
// Three things are counted, from most to least exact: failures of one user from one address, all
// failures from an address, all failures of a user. Beyond what is free, the next try of that is
// refused until some time has passed, which doubles with each failure; what is refused in between
// is not counted. An address, and a user, slow down only who has failed as that user from there:
// nobody locks out another one, be it from elsewhere or from behind the same address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tandemq::broker {

class LoginBrake {
 public:
  struct Measure {
    std::uint32_t free;     // failures
    std::uint32_t wait_ms;  // after the first beyond them
    std::uint32_t wait_ms_max;
  };
  static constexpr Measure kUserAtAddress{5, 1'000, 10'000};
  static constexpr Measure kAddress{50, 250, 1'000};
  static constexpr Measure kUser{100, 250, 1'000};
  static constexpr std::uint64_t kForgottenMs = 600'000;  // after the last failure
  static constexpr std::size_t kEntriesMax = 65'536;
  static constexpr std::uint64_t kSweepMs = 60'000;

  // `address`: as Transport::peer_address; the port does not count, of IPv6 the first 64 bits do.
  bool admits(std::string_view address, std::string_view user, std::uint64_t now_ms) const;
  void failed(std::string_view address, std::string_view user, std::uint64_t now_ms);
  // Whether the right password comes too early: only its own failures count for that.
  bool admits_right(std::string_view address, std::string_view user, std::uint64_t now_ms) const;
  // The user is right there: its failures at that address were slips.
  void succeeded(std::string_view address, std::string_view user);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint32_t failures = 0;
    std::uint64_t last_ms = 0;
    std::uint64_t until_ms = 0;  // nothing is admitted before
  };
  using Key = std::string;  // a digest: as long for every name
  static Key key_of(char kind, std::string_view address, std::string_view user);
  const Entry* find(const Key& key, std::uint64_t now_ms) const;
  bool holds(const Key& key, std::uint64_t now_ms) const;
  void count(const Key& key, const Measure& measure, std::uint64_t now_ms);
  void make_room(std::uint64_t now_ms);

  std::unordered_map<Key, Entry> entries_;
  std::uint64_t swept_ms_ = 0;
};

}  // namespace tandemq::broker
