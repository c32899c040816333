#include "failover/ctl/run_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tandemq::failover {
namespace {

// Exit codes of timeout(1).
constexpr int kTimedOut = 124, kNotRun = 126;

pid_t spawn(std::vector<std::string>& command, int output) {
  std::vector<char*> arguments;
  for (std::string& one : command) arguments.push_back(one.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  pid_t pid = -1;
  const int failed = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? pid : -1;
}

}  // namespace

std::optional<doctor::Answer> run_program(std::vector<std::string> command) {
  command.insert(command.begin(), {"timeout", "5"});
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return std::nullopt;
  const pid_t pid = spawn(command, pipe_ends[1]);
  close(pipe_ends[1]);
  doctor::Answer answer;
  char buffer[4096];
  for (ssize_t size = 0; pid > 0 && (size = read(pipe_ends[0], buffer, sizeof buffer)) > 0;)
    answer.text.append(buffer, static_cast<std::size_t>(size));
  close(pipe_ends[0]);
  int status = 0;
  if (pid <= 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return std::nullopt;
  answer.exit_code = WEXITSTATUS(status);
  if (answer.exit_code >= kTimedOut && answer.exit_code <= kNotRun + 1) return std::nullopt;
  if (answer.text.ends_with('\n')) answer.text.pop_back();
  return answer;
}

}  // namespace tandemq::failover
