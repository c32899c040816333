#include "broker/access/login_brake.h"

#include <algorithm>

#include "broker/support/address_range.h"

namespace tandemq::broker {
namespace {

// Keys of the three kinds never meet: their first characters differ.
std::string key_of_address(std::string_view address) {
  const std::string network = network_of(address);
  return "a" + (network.empty() ? std::string(address) : network);
}

std::string key_of_user(std::string_view user) {
  return "u" + std::string(user);
}

std::string key_of_both(std::string_view address, std::string_view user) {
  std::string key = key_of_address(address);
  key.front() = 'b';
  return key.append(1, '\0').append(user);
}

}  // namespace

const LoginBrake::Entry* LoginBrake::find(const std::string& key, std::uint64_t now_ms) const {
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.last_ms + kForgottenMs <= now_ms) return nullptr;
  return &found->second;
}

bool LoginBrake::holds(const std::string& key, std::uint64_t now_ms) const {
  const Entry* entry = find(key, now_ms);
  return entry && now_ms < entry->until_ms;
}

bool LoginBrake::admits(std::string_view address, std::string_view user,
                        std::uint64_t now_ms) const {
  if (entries_.empty()) return true;
  const std::string from = key_of_address(address);
  if (holds(key_of_both(address, user), now_ms) || holds(from, now_ms)) return false;
  return !find(from, now_ms) || !holds(key_of_user(user), now_ms);
}

void LoginBrake::count(const std::string& key, const Measure& measure, std::uint64_t now_ms) {
  if (entries_.size() >= kEntriesMax) make_room(now_ms);
  Entry& entry = entries_[key];
  if (entry.last_ms + kForgottenMs <= now_ms) entry = {};
  entry.last_ms = now_ms;
  if (++entry.failures <= measure.free) return;
  const std::uint32_t doublings = std::min(entry.failures - measure.free - 1, 16u);
  entry.until_ms = now_ms + std::min(std::uint64_t{measure.wait_ms} << doublings,
                                     std::uint64_t{measure.wait_ms_max});
}

// A look at all of them now and then; else any goes: who has as many addresses is not slowed down
// by this.
void LoginBrake::make_room(std::uint64_t now_ms) {
  if (now_ms >= swept_ms_ + kSweepMs) {
    swept_ms_ = now_ms;
    std::erase_if(entries_,
                  [&](const auto& one) { return one.second.last_ms + kForgottenMs <= now_ms; });
  }
  if (entries_.size() >= kEntriesMax) entries_.erase(entries_.begin());
}

void LoginBrake::failed(std::string_view address, std::string_view user, std::uint64_t now_ms) {
  count(key_of_both(address, user), kUserAtAddress, now_ms);
  count(key_of_address(address), kAddress, now_ms);
  count(key_of_user(user), kUser, now_ms);
}

void LoginBrake::succeeded(std::string_view address, std::string_view user) {
  if (!entries_.empty()) entries_.erase(key_of_both(address, user));
}

}  // namespace tandemq::broker
