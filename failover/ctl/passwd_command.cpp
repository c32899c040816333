#include "failover/ctl/passwd_command.h"

#include "failover/ctl/passwd_file.h"

namespace tandemq::failover {

PasswdCommand::PasswdCommand(CLI::App& app)
    : one_(app.add_subcommand("passwd", "write a user's line of a password file")) {
  one_->fallthrough();
  one_->add_option("file", file_, "the password file; it is made where there is none")->required();
  one_->add_option("user", user_, "whose line it is")->required();
  one_->add_flag("--delete", remove_, "take the user out of the file");
  password_.add_to(*one_);
}

Result<std::string> PasswdCommand::run() const {
  std::string line;
  if (!remove_) {
    const Result<std::string> entry = password_.read_entry(user_);
    if (!entry) return entry.error();
    line = *entry;
  }
  const Status done = change_passwd_file(file_, user_, line);
  if (!done) return done.error();
  return "the broker reads " + file_ + " at `tandemqctl reload`";
}

}  // namespace tandemq::failover
