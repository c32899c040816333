#include "tests/bench/command.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tandemq::bench {

void Command::start(const std::string& text) {
  std::string shell = "/bin/sh";
  std::string flag = "-c";
  std::string command = text;
  char* const arguments[] = {shell.data(), flag.data(), command.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, 2, 1);  // our own output may be JSON
  if (posix_spawn(&process_, shell.c_str(), &actions, nullptr, arguments, environ) != 0) {
    process_ = -1;
  }
  posix_spawn_file_actions_destroy(&actions);
}

int Command::wait() {
  if (process_ <= 0) return 127;
  int status = 0;
  if (waitpid(process_, &status, 0) != process_) return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace tandemq::bench
