// How many connections one address, and one user, may have.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/net/connection_limits.h"

namespace tandemq::broker {

class Quotas {
 public:
  // What a connection counts for; gives it back when it ends. Not beyond its Quotas.
  class Place {
   public:
    Place() = default;
    ~Place();
    Place(Place&& other) noexcept { *this = std::move(other); }
    Place& operator=(Place&& other) noexcept;

   private:
    friend class Quotas;
    using Counts = std::unordered_map<std::string, std::uint32_t>;
    Counts* addresses_ = nullptr;
    Counts* users_ = nullptr;
    const std::string* address_ = nullptr;  // keys there; null: not counted
    const std::string* user_ = nullptr;
  };

  // `limits` outlives it.
  explicit Quotas(const net::ConnectionLimits& limits) : limits_(limits) {}

  // `address`: as Transport::peer_address. Null when there is room, else what is full.
  const char* full(const std::string& address, std::string_view user) const;
  Place take(const std::string& address, std::string_view user);

 private:
  static std::uint32_t count_of(const Place::Counts& counts, const std::string& key);

  const net::ConnectionLimits& limits_;
  Place::Counts addresses_, users_;
};

}  // namespace tandemq::broker
