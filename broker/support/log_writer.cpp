#include "broker/support/log_writer.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

namespace tandemq {

LogFile::~LogFile() {
  if (fd_ > STDERR_FILENO) ::close(fd_);
}

LogWriter::LogWriter(std::function<std::string(std::uint64_t lines)> left_out)
    : left_out_(std::move(left_out)), file_(std::make_shared<LogFile>(STDERR_FILENO)) {
  // Signals are the loop's.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([this] { run(); }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void LogWriter::write_to(std::shared_ptr<LogFile> file) {
  const std::lock_guard lock(mutex_);
  file_ = std::move(file);
}

void LogWriter::put(std::string line) {
  if (line.size() > kLineMax) {
    line.resize(kLineMax - 1);
    line += '\n';
  }
  const std::lock_guard lock(mutex_);
  if (bytes_ + line.size() > kBytesMax) {
    ++lost_;
    return;
  }
  bytes_ += line.size();
  lines_.push_back(std::move(line));
  changed_.notify_all();
}

bool LogWriter::drain(unsigned milliseconds) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(milliseconds),
                           [this] { return lines_.empty() && !busy_; });
}

void LogWriter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !lines_.empty(); });
    const std::string line = std::move(lines_.front());
    lines_.pop_front();
    busy_ = true;
    const std::shared_ptr<LogFile> file = file_;
    lock.unlock();
    bring_out(line, file->fd());
    lock.lock();
    busy_ = false;
    bytes_ -= line.size();
    const std::uint64_t lost = std::exchange(lost_, 0);
    if (lost != 0) {
      std::string told = left_out_(lost);
      bytes_ += told.size();
      lines_.push_back(std::move(told));
    }
    changed_.notify_all();
  }
}

// A log that cannot be written to is nobody's reason to stop: the line is given up.
void LogWriter::bring_out(const std::string& line, int fd) {
  std::size_t done = 0;
  while (done < line.size()) {
    pollfd ready{fd, POLLOUT, 0};
    ::poll(&ready, 1, -1);
    const ssize_t n = ::write(fd, line.data() + done, line.size() - done);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) return;
    done += static_cast<std::size_t>(n);
  }
}

}  // namespace tandemq
