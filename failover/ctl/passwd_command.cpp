#include "failover/ctl/passwd_command.h"

#include "failover/ctl/passwd_file.h"

namespace tandemq::failover {

PasswdCommand::PasswdCommand(CLI::App& app)
    : one_(app.add_subcommand("passwd", "write a user's line of a password file")) {
  one_->fallthrough();
  one_->add_option("file", file_, "the password file; it is made where there is none")->required();
  one_->add_option("user", user_, "whose line it is")->required();
  one_->add_flag("--delete", remove_, "take the user out of the file");
  one_->add_option("--password-file", password_file_,
                   "the password is its first line; else it is asked for, or read from the "
                   "standard input");
  one_->add_option("--iterations", iterations_, "of PBKDF2: work of each log-in")
      ->check(CLI::Range(1, kIterationsMax))
      ->capture_default_str();
}

Result<std::string> PasswdCommand::run() const {
  std::string line;
  if (!remove_) {
    const Result<std::string> password = read_password(password_file_);
    if (!password) return password.error();
    const Result<std::string> entry = password_entry(*password, iterations_);
    if (!entry) return entry.error();
    line = *entry;
  }
  const Status done = change_passwd_file(file_, user_, line);
  if (!done) return done.error();
  return "the broker reads " + file_ + " at `tandemqctl reload`";
}

}  // namespace tandemq::failover
