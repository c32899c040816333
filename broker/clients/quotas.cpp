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

// One more. Who has no address, as behind a Unix socket, and who has no name are not counted: null.
const std::string* count(std::unordered_map<std::string, std::uint32_t>& counts, std::string key) {
  if (key.empty()) return nullptr;
  const auto found = counts.try_emplace(std::move(key), 0).first;
  ++found->second;
  return &found->first;
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

std::uint32_t Quotas::count_of(const Place::Counts& counts, const std::string& key,
                               const std::string* leaves) {
  const auto found = counts.find(key);
  if (found == counts.end()) return 0;
  return found->second - (&found->first == leaves);
}

const char* Quotas::crowded(const std::string& address) const {
  const std::string network = limits_.per_address == 0 ? std::string() : network_of(address);
  if (network.empty() || count_of(waiting_, network, nullptr) < limits_.per_address) return nullptr;
  return "limits.connections_per_address_max have not said CONNECT yet";
}

Quotas::Place Quotas::wait(const std::string& address) {
  Place place;
  place.addresses_ = &waiting_;
  place.address_ = count(waiting_, limits_.per_address == 0 ? std::string() : network_of(address));
  return place;
}

const char* Quotas::full(const std::string& address, std::string_view user,
                         const Place* leaves) const {
  if (limits_.per_address != 0) {
    const std::string network = network_of(address);
    const std::string* const left = leaves ? leaves->address_ : nullptr;
    if (!network.empty() && count_of(addresses_, network, left) >= limits_.per_address) {
      return "limits.connections_per_address_max is reached";
    }
  }
  const std::string* const left = leaves ? leaves->user_ : nullptr;
  if (limits_.per_user != 0 && !user.empty() &&
      count_of(users_, std::string(user), left) >= limits_.per_user) {
    return "limits.connections_per_user_max is reached";
  }
  return nullptr;
}

Quotas::Place Quotas::take(const std::string& address, std::string_view user) {
  Place place;
  place.addresses_ = &addresses_;
  place.users_ = &users_;
  place.address_ =
      count(addresses_, limits_.per_address == 0 ? std::string() : network_of(address));
  place.user_ = count(users_, limits_.per_user == 0 ? std::string() : std::string(user));
  return place;
}

}  // namespace tandemq::broker
