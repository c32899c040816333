#include "failover/ctl/line_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>

namespace tandemq::failover {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kLineMax = 1 << 20;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

Error unreachable(const std::string& path, const std::string& why,
                  const char* remedy = "see the service's log") {
  return {"no answer on " + path + ": " + why + "; " + remedy, kUnreachable};
}

const char* remedy_of(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return "run it as root, or as a user of the group that the socket belongs to";
    case ENOENT:
    case ECONNREFUSED:
      return "the service does not run here: start it (`systemctl status tandemqd "
             "tandemq-agent` tells why it ended), or name another socket";
    case EAGAIN:
      return "the service hangs, or is asked by very many: see its log";
    default:
      return "see the service's log";
  }
}

bool wait_for(int fd, short events, Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  pollfd waiting{fd, events, 0};
  return left.count() > 0 && poll(&waiting, 1, static_cast<int>(left.count())) > 0;
}

// Reads lines until the one that answers our request; announcements are passed over.
Result<json> read_answer(int fd, const std::string& path, Clock::time_point deadline) {
  std::string gathered;
  char piece[16384];
  while (wait_for(fd, POLLIN, deadline)) {
    const ssize_t got = recv(fd, piece, sizeof piece, 0);
    if (got <= 0) return unreachable(path, "the connection was closed");
    gathered.append(piece, static_cast<std::size_t>(got));
    for (std::size_t end; (end = gathered.find('\n')) != std::string::npos;) {
      json line = json::parse(gathered.substr(0, end), nullptr, false);
      gathered.erase(0, end + 1);
      if (line.is_object() && line.contains("ok")) return line;
    }
    if (gathered.size() > kLineMax) return unreachable(path, "the answer is too long");
  }
  return unreachable(path, "no time is left",
                     "the service hangs or needs longer: see its log, or give a longer --timeout");
}

}  // namespace

Result<json> ask(const std::string& socket_path, const json& request, int timeout_ms) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path)
    return unreachable(socket_path, "the path is too long for a socket");
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);
  const Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // A listener whose queue is full lets connect() wait, too.
  const timeval limit{timeout_ms / 1000, timeout_ms % 1000 * 1000};
  setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return unreachable(socket_path, std::strerror(errno), remedy_of(errno));

  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  json numbered = request;
  numbered["id"] = 1;
  const std::string line =
      numbered.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  if (send(socket.fd(), line.data(), line.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(line.size()))
    return unreachable(socket_path, std::strerror(errno));
  Result<json> answer = read_answer(socket.fd(), socket_path, deadline);
  if (answer && !answer->value("ok", false))
    return Error{answer->value("error", "refused without a reason"), kRefused};
  return answer;
}

}  // namespace tandemq::failover
