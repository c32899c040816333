// `tandemqctl user ...` and `tandemqctl role ...`: the users and roles of the journal.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "failover/ctl/password_options.h"

namespace tandemq::failover {

// How they are asked for besides.
struct AccountAsking {
  const std::string& broker_socket;
  const int& timeout_ms;  // 0: as long as it needs
  const bool& as_json;
};

class AccountCommands {
 public:
  AccountCommands(CLI::App& app, AccountAsking asking);
  bool parsed() const;
  // The exit code; an error is to be told.
  Result<int> run();

 private:
  CLI::App* add_command(CLI::App& under, const char* name, const char* what);
  void add_users(CLI::App& app);
  void add_roles(CLI::App& app);

  Result<int> change(const std::string& kind, const std::string& verb);
  Result<int> list(const std::string& kind);
  Result<int> show(const std::string& kind);
  Result<nlohmann::json> ask_broker(const nlohmann::json& request, int timeout_ms) const;

  AccountAsking asking_;
  CLI::App* users_ = nullptr;
  CLI::App* roles_ = nullptr;
  std::string name_;
  std::vector<std::string> lines_;  // roles or rules
  PasswordOptions password_;
  bool no_password_ = false;
};

}  // namespace tandemq::failover
