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

// What was made or found, for a person as lines in "text". Errors: code 1, nothing was changed.
Result<nlohmann::json> pki_init(const PkiWish& wish);
Result<nlohmann::json> pki_issue(const PkiWish& wish);
Result<nlohmann::json> pki_show(const PkiWish& wish);

}  // namespace tandemq::failover
