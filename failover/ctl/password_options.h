// The options of every command that takes a password.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "broker/base/result.h"
#include "failover/ctl/password_entry.h"

namespace tandemq::failover {

class PasswordOptions {
 public:
  void add_to(CLI::App& command);
  // The entry of the password that is typed or read now. `user`: whose it is.
  Result<std::string> read_entry(const std::string& user) const;

 private:
  std::string file_;
  EntryWish wish_;
};

}  // namespace tandemq::failover
