// How many connections one address, and one user, may have. Connections that have not said CONNECT
// yet count apart, as many again for an address: they have no user, and may be about to take over
// one that is served.
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
    bool counts() const { return address_ || user_; }

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
  // Of a connection that has said nothing yet:
  const char* crowded(const std::string& address) const;
  Place wait(const std::string& address);
  // Of one that is served; `leaves`: the place of one that goes for it, or null.
  const char* full(const std::string& address, std::string_view user,
                   const Place* leaves = nullptr) const;
  Place take(const std::string& address, std::string_view user);

 private:
  static std::uint32_t count_of(const Place::Counts& counts, const std::string& key,
                                const std::string* leaves);

  const net::ConnectionLimits& limits_;
  Place::Counts addresses_, users_;
  Place::Counts waiting_;  // by address
};

}  // namespace tandemq::broker
