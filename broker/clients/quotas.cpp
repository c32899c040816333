#include "broker/clients/quotas.h"

#include <utility>

#include "broker/support/address_range.h"

namespace tandemq::broker {
namespace {

void give_back(std::unordered_map<std::string, std::uint32_t>* counts, const std::string* key) {
  if (!key) return;
  const auto found = counts->find(*key);
  if (--found->second == 0) counts->erase(found);
}

}  // namespace

Quotas::Place::~Place() {
  give_back(addresses_, address_);
  give_back(users_, user_);
}

Quotas::Place& Quotas::Place::operator=(Place&& other) noexcept {
  std::swap(addresses_, other.addresses_);
  std::swap(users_, other.users_);
  std::swap(address_, other.address_);
  std::swap(user_, other.user_);
  return *this;
}

std::uint32_t Quotas::count_of(const Place::Counts& counts, const std::string& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

// Who has no address, as behind a Unix socket, and who has no name are not counted.
const char* Quotas::full(const std::string& address, std::string_view user) const {
  if (limits_.per_address != 0) {
    const std::string network = network_of(address);
    if (!network.empty() && count_of(addresses_, network) >= limits_.per_address) {
      return "limits.connections_per_address_max is reached";
    }
  }
  if (limits_.per_user != 0 && !user.empty() &&
      count_of(users_, std::string(user)) >= limits_.per_user) {
    return "limits.connections_per_user_max is reached";
  }
  return nullptr;
}

Quotas::Place Quotas::take(const std::string& address, std::string_view user) {
  Place place;
  place.addresses_ = &addresses_;
  place.users_ = &users_;
  const auto count = [](Place::Counts& counts, std::string key) {
    const auto found = counts.try_emplace(std::move(key), 0).first;
    ++found->second;
    return &found->first;
  };
  std::string network = limits_.per_address == 0 ? std::string() : network_of(address);
  if (!network.empty()) place.address_ = count(addresses_, std::move(network));
  if (limits_.per_user != 0 && !user.empty()) place.user_ = count(users_, std::string(user));
  return place;
}

}  // namespace tandemq::broker
