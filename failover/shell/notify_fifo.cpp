#include "failover/shell/notify_fifo.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "broker/base/exit_code.h"

namespace tandemq::failover {
namespace {

constexpr std::size_t kNotificationMax = 512;

std::string_view next_word(std::string_view& line) {
  while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  const std::size_t end = std::min(line.find(' '), line.size());
  std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  if (word.size() >= 2 && word.front() == '"' && word.back() == '"') {
    word = word.substr(1, word.size() - 2);
  }
  return word;
}

}  // namespace

Notification parse_notification(std::string_view line, std::string_view instance) {
  Notification n;
  if (next_word(line) != "INSTANCE" || next_word(line) != instance) return n;
  n.ours = true;
  const std::string_view state = next_word(line);
  n.alarm = state == "MASTER_RX_LOWER_PRI";
  n.state_known = true;
  if (state == "MASTER")
    n.state = Vrrp::master;
  else if (state == "BACKUP")
    n.state = Vrrp::backup;
  else if (state == "FAULT")
    n.state = Vrrp::fault;
  else if (state != "STOP" && state != "DELETED")
    n.state_known = false;
  return n;
}

Result<std::unique_ptr<NotifyFifo>> NotifyFifo::open(event_base* base, const std::string& path,
                                                     std::string instance, OnNotification heard) {
  const auto refuse = [&](const char* what) {
    return Error{"cannot " + std::string(what) + " the notify FIFO " + path + ": " +
                     std::strerror(errno) + "; node.run_dir must be a folder of the agent's",
                 kExitEnvironment};
  };
  if (mkfifo(path.c_str(), 0600) != 0 && errno != EEXIST) return refuse("make");
  std::unique_ptr<NotifyFifo> fifo(new NotifyFifo(std::move(instance), std::move(heard)));
  fifo->fd_.reset(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
  struct stat info {};
  if (!fifo->fd_) return refuse("open");
  if (fstat(fifo->fd_.get(), &info) != 0 || !S_ISFIFO(info.st_mode)) {
    return Error{path + " is there and no named pipe; remove it", kExitEnvironment};
  }
  NotifyFifo* raw = fifo.get();
  fifo->readable_ = std::make_unique<Readable>(base, fifo->fd_.get(), [raw] { raw->read(); });
  return fifo;
}

void NotifyFifo::read() {
  char buffer[4096];
  ssize_t size = 0;
  while ((size = ::read(fd_.get(), buffer, sizeof(buffer))) > 0) {
    partial_.append(buffer, static_cast<std::size_t>(size));
  }
  // Of what has gathered (the agent may have been away) only the last state is true now.
  Notification last;
  std::size_t end = 0;
  while ((end = partial_.find('\n')) != partial_.npos) {
    const Notification n = parse_notification(std::string_view(partial_).substr(0, end), instance_);
    partial_.erase(0, end + 1);
    if (n.ours && n.alarm) heard_(n);
    if (n.ours && n.state_known) last = n;
  }
  if (last.ours) heard_(last);
  if (partial_.size() > kNotificationMax) partial_.clear();
}

}  // namespace tandemq::failover
