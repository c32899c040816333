// What a log-in brings beside its admission: who it is, how long it may stay, what it may do.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker/access/acl.h"
#include "broker/core/grants.h"

namespace tandemq::broker {

struct Pass {
  std::string username;
  std::shared_ptr<const Acl> rights;  // beside the listener's rules; null: those alone
  bool names_with_slash = false;      // as Acl::grants
  std::uint32_t lasts_s = 0;          // from the verdict on; 0: without end
  std::string key;                    // fingerprint of the key of its token
  bool by_password = false;           // it has proven the user's password, and said no more

  core::GrantsRef grants(std::string_view client_id) const {
    return rights ? rights->grants(client_id, username, names_with_slash) : nullptr;
  }
};
using PassRef = std::shared_ptr<const Pass>;

}  // namespace tandemq::broker
