// `tandemqctl pki`: a small authority of one pair in a folder, and the certificates of its nodes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "broker/base/result.h"

namespace tandemq::failover {

struct PkiWish {
  std::string folder;
  std::string pair, node;  // init; issue
  int days = 0;            // 0: as long as is usual
  bool force = false;      // over what is there
};

// Whether a node called so can have a certificate in that folder. Error: code 1.
Status check_node_name(const std::string& folder, const std::string& node);

// What was made or found, for a person as lines in "text". Errors: code 1, nothing was changed.
Result<nlohmann::json> pki_init(const PkiWish& wish);
Result<nlohmann::json> pki_issue(const PkiWish& wish);
Result<nlohmann::json> pki_show(const PkiWish& wish);

}  // namespace tandemq::failover
