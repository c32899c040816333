// `tandemqctl acl check ...`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "broker/base/result.h"
#include "failover/ctl/account_commands.h"
#include "failover/ctl/acl_check.h"

namespace tandemq::failover {

class AclCommand {
 public:
  AclCommand(CLI::App& app, AccountAsking asking);
  bool parsed() const { return all_->parsed(); }
  // The exit code: 0 allowed, 1 denied at one listener; an error is to be told.
  Result<int> run();

 private:
  Result<KeptUser> ask_for(const std::string& user) const;

  AccountAsking asking_;
  CLI::App* all_ = nullptr;
  std::string action_;
  AclWish wish_;
};

}  // namespace tandemq::failover
