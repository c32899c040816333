// `tandemqctl acl check`: what a client may do by the broker's configuration as it stands in its
// files, and the line that decides.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "broker/access/acl_explain.h"
#include "broker/base/result.h"

namespace tandemq::failover {

struct AclWish {
  std::string config_file;
  std::string listener;  // empty: each of them
  broker::AclQuestion question;
};

// A user that the pair keeps, with the rules of its roles.
struct KeptUser {
  struct Rule {
    std::string role, text;
  };
  bool exists = false, enabled = false;
  std::vector<Rule> rules;
};
using AskForUser = std::function<Result<KeptUser>(const std::string& name)>;

struct AclFinding {
  std::string listener;
  bool allowed = false;
  std::string rule;    // the line that decides; empty: none does
  std::string source;  // "FILE:LINE" or "role NAME"; of no rule a sentence
};

// One for each listener. Errors have code 1, or that of `kept`, which is asked only where a
// listener lets such users in and no password file has the name.
Result<std::vector<AclFinding>> check_acl(const AclWish& wish, const AskForUser& kept);

}  // namespace tandemq::failover
