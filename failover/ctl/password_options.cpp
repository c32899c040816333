#include "failover/ctl/password_options.h"

namespace tandemq::failover {

void PasswordOptions::add_to(CLI::App& command) {
  command.add_option("--password-file", file_,
                     "the password is its first line; else it is asked for, or read from the "
                     "standard input");
  command.add_flag("--scram", wish_.scram,
                   "an entry of SCRAM-SHA-256: clients may prove the password without sending it");
  command
      .add_option("--iterations", wish_.iterations,
                  "of PBKDF2: work of each log-in; 101 by default, with --scram 4096")
      ->check(CLI::Range(1, kIterationsMax));
}

Result<std::string> PasswordOptions::read_entry(const std::string& user) const {
  if (const Status sound = check_wish(wish_, user); !sound) return sound.error();
  const Result<std::string> password = read_password(file_);
  return password ? password_entry(*password, wish_) : password;
}

}  // namespace tandemq::failover
