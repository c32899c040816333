// `tandemqctl passwd FILE USER`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "broker/base/result.h"
#include "failover/ctl/password_options.h"

namespace tandemq::failover {

class PasswdCommand {
 public:
  explicit PasswdCommand(CLI::App& app);
  bool parsed() const { return one_->parsed(); }
  // What was done; an error is to be told.
  Result<std::string> run() const;

 private:
  CLI::App* one_ = nullptr;
  std::string file_, user_;
  PasswordOptions password_;
  bool remove_ = false;
};

}  // namespace tandemq::failover
