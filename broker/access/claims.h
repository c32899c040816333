// What a token, or a server that is asked, says of a client: who it is, what it may do, how long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "broker/access/acl.h"

namespace tandemq::broker {

constexpr std::size_t kRightsMax = 256;  // rules of one client: each is asked for every message

struct Claims {
  std::string username;
  std::shared_ptr<const Acl> rights;  // null: nothing is said about them
  std::uint32_t lasts_s = 0;          // from now on; 0: without end
  std::string key;                    // fingerprint of that which a token is signed with
};

// Why it is not taken: a text of ours, none of theirs. Null: it is good.
using Refusal = const char*;

// Rights are lines as an ACL file has them, or {"sub": [filters], "pub": [filters]}. `out` has its
// user name already, and gets them.
Refusal read_rights(const nlohmann::json& said, Claims& out);

}  // namespace tandemq::broker
