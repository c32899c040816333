#include "broker/access/login_brake.h"

#include <openssl/sha.h>

#include <algorithm>

#include "broker/support/address_range.h"

namespace tandemq::broker {
namespace {

// What one host, or one network of IPv6, or one user of this host has.
std::string origin_of(std::string_view address) {
  const std::string network = network_of(address);
  if (!network.empty()) return network;
  return std::string(address.substr(0, address.find(',')));  // a Unix socket's without the process
}

}  // namespace

// The kinds never meet: their first characters differ.
LoginBrake::Key LoginBrake::key_of(char kind, std::string_view address, std::string_view user) {
  std::string text(1, kind);
  text.append(address.empty() ? std::string() : origin_of(address)).append(1, '\0').append(user);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return {reinterpret_cast<const char*>(digest), 15};  // what a std::string holds without the heap
}

const LoginBrake::Entry* LoginBrake::find(const Key& key, std::uint64_t now_ms) const {
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.last_ms + kForgottenMs <= now_ms) return nullptr;
  return &found->second;
}

bool LoginBrake::holds(const Key& key, std::uint64_t now_ms) const {
  const Entry* entry = find(key, now_ms);
  return entry && now_ms < entry->until_ms;
}

bool LoginBrake::admits(std::string_view address, std::string_view user,
                        std::uint64_t now_ms) const {
  if (entries_.empty()) return true;
  const Entry* own = find(key_of('b', address, user), now_ms);
  if (!own) return true;
  return now_ms >= own->until_ms && !holds(key_of('a', address, {}), now_ms) &&
         !holds(key_of('u', {}, user), now_ms);
}

bool LoginBrake::admits_right(std::string_view address, std::string_view user,
                              std::uint64_t now_ms) const {
  return entries_.empty() || !holds(key_of('b', address, user), now_ms);
}

void LoginBrake::count(const Key& key, const Measure& measure, std::uint64_t now_ms) {
  if (entries_.size() >= kEntriesMax && !entries_.contains(key)) make_room(now_ms);
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
  count(key_of('b', address, user), kUserAtAddress, now_ms);
  count(key_of('a', address, {}), kAddress, now_ms);
  count(key_of('u', {}, user), kUser, now_ms);
}

void LoginBrake::succeeded(std::string_view address, std::string_view user) {
  if (!entries_.empty()) entries_.erase(key_of('b', address, user));
}

}  // namespace tandemq::broker
