// The control socket: a Unix stream socket that carries lines. Bounded: kClientsMax clients, lines
// of kLineMax bytes, kUnsentMax bytes unsent to a client that does not read (it is dropped then).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "broker/base/result.h"

struct event_base;
struct bufferevent;
struct evconnlistener;

namespace tandemq {

class ControlServer {
 public:
  static constexpr std::size_t kLineMax = 64 << 10;
  static constexpr std::size_t kUnsentMax = 256 << 10;
  static constexpr std::size_t kClientsMax = 64;

  using ClientId = std::uint64_t;
  // Gets whole lines, without their end.
  using OnLine = std::function<void(ClientId, std::string_view line)>;
  using OnGone = std::function<void(ClientId)>;

  // A socket file that a dead process left is replaced; one that answers is an error (code 3).
  static Result<std::unique_ptr<ControlServer>> open(event_base* base, const std::string& path,
                                                     OnLine on_line, OnGone on_gone);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  // Sends a line, its end is added. Nothing happens when the client is gone.
  void send(ClientId client, std::string_view line);
  // The process at its other end: "uid 0, pid 123"; "" when it is gone.
  std::string peer_of(ClientId client) const;
  // Sends what is left, then closes.
  void close_after_send(ClientId client);
  // Blocks for at most a moment to bring out what is left (before the process ends).
  void flush();

 private:
  struct Client {
    ControlServer* server = nullptr;
    ClientId id = 0;
    bufferevent* channel = nullptr;
    bool closing = false;
    std::uint64_t heard = 0;  // when it came or asked last, in lines of all clients
  };
  ControlServer() = default;
  void accept(event_base* base, int fd);
  void make_room();
  void read(Client& client);
  void drop(ClientId id);

  std::string path_;
  OnLine on_line_;
  OnGone on_gone_;
  evconnlistener* listener_ = nullptr;
  std::map<ClientId, Client> clients_;
  ClientId next_ = 1;
  std::uint64_t heard_ = 0;
};

}  // namespace tandemq
