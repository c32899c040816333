// Brings log lines out on a thread of its own, so that no loop waits for whoever reads the log: a
// pipe that nobody empties, a journald that stands still, a disk that does not answer. What does
// not fit meanwhile is counted, and told when there is room again. One for each process; it lives
// until the process ends, because its thread may be stuck in a write that nothing can end.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace tandemq {

// An open file of the log; closed with its last user, unless it is standard error.
class LogFile {
 public:
  explicit LogFile(int fd) : fd_(fd) {}
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

class LogWriter {
 public:
  static constexpr std::size_t kBytesMax = 1 << 20;  // of lines that wait
  // A whole line is one write, and a pipe that is ready takes so much without waiting (PIPE_BUF).
  static constexpr std::size_t kLineMax = 4096;

  // `left_out` makes the line that tells how many did not fit.
  explicit LogWriter(std::function<std::string(std::uint64_t lines)> left_out);

  void write_to(std::shared_ptr<LogFile> file);
  // Never waits. The line ends with a newline; beyond kLineMax it is cut.
  void put(std::string line);
  // Until all that was put is out, at most so long; for a process that is about to end.
  bool drain(unsigned milliseconds);

 private:
  void run();
  void bring_out(const std::string& line, int fd);

  const std::function<std::string(std::uint64_t)> left_out_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<LogFile> file_;
  std::deque<std::string> lines_;
  std::size_t bytes_ = 0;
  std::uint64_t lost_ = 0;
  bool busy_ = false;  // lines that were taken off the queue are not all out
};

}  // namespace tandemq
