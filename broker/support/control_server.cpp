#include "broker/support/control_server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "broker/base/exit_code.h"
#include "broker/support/unix_address.h"

namespace tandemq {
namespace {

constexpr int kBacklog = 128;

Error refused(const std::string& path, const std::string& why, const std::string& remedy) {
  return Error{"cannot open the control socket " + path + ": " + why + "; " + remedy,
               kExitEnvironment};
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::open(event_base* base,
                                                           const std::string& path, OnLine on_line,
                                                           OnGone on_gone) {
  sockaddr_un address;
  if (!unix_address(path, address)) {
    return refused(path, "the path is empty or longer than 107 bytes", "set node.control_socket");
  }
  if (answers(address)) {
    return refused(path, "another process answers on it",
                   "stop that one or set another node.control_socket");
  }
  unlink(path.c_str());
  std::unique_ptr<ControlServer> server(new ControlServer);
  server->path_ = path;
  server->on_line_ = std::move(on_line);
  server->on_gone_ = std::move(on_gone);
  const auto accept = [](evconnlistener* listener, evutil_socket_t fd, sockaddr*, int, void* self) {
    static_cast<ControlServer*>(self)->accept(evconnlistener_get_base(listener), fd);
  };
  const mode_t old_mask = umask(0117);  // the socket file gets mode 0660
  server->listener_ = evconnlistener_new_bind(
      base, accept, server.get(), LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, kBacklog,
      reinterpret_cast<sockaddr*>(&address), sizeof(address));
  const int error = errno;
  umask(old_mask);
  if (!server->listener_) {
    server->path_.clear();
    return refused(path, std::strerror(error),
                   "create its folder and let the user of this process write to it");
  }
  return server;
}

ControlServer::~ControlServer() {
  while (!clients_.empty()) drop(clients_.begin()->first);
  if (listener_) evconnlistener_free(listener_);
  if (!path_.empty()) unlink(path_.c_str());
}

// Whoever has asked nothing for longest gives way: the agent and an operator ask.
void ControlServer::make_room() {
  drop(std::min_element(clients_.begin(), clients_.end(), [](const auto& a, const auto& b) {
         return a.second.heard < b.second.heard;
       })->first);
}

void ControlServer::accept(event_base* base, int fd) {
  if (clients_.size() >= kClientsMax) make_room();
  bufferevent* channel = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
  if (!channel) {
    ::close(fd);
    return;
  }
  Client& client = clients_[next_];
  client = {this, next_, channel, false, ++heard_};
  ++next_;
  bufferevent_setcb(
      channel,
      [](bufferevent*, void* c) {
        static_cast<Client*>(c)->server->read(*static_cast<Client*>(c));
      },
      [](bufferevent*, void* c) {
        auto* written = static_cast<Client*>(c);
        if (written->closing) written->server->drop(written->id);
      },
      [](bufferevent*, short, void* c) {
        static_cast<Client*>(c)->server->drop(static_cast<Client*>(c)->id);
      },
      &client);
  bufferevent_setwatermark(channel, EV_READ, 0, 2 * kLineMax);
  bufferevent_enable(channel, EV_READ | EV_WRITE);
}

void ControlServer::read(Client& client) {
  const ClientId id = client.id;
  evbuffer* input = bufferevent_get_input(client.channel);
  while (clients_.contains(id) && !client.closing) {
    std::size_t size = 0;
    char* line = evbuffer_readln(input, &size, EVBUFFER_EOL_LF);
    const bool too_long = size > kLineMax || (!line && evbuffer_get_length(input) > kLineMax);
    if (too_long) {
      on_line_(id, {});  // as good as garbage
    } else if (line) {
      on_line_(id, {line, size});
    }
    std::free(line);
    if (!line || too_long) return;
    if (const auto asked = clients_.find(id); asked != clients_.end())
      asked->second.heard = ++heard_;
  }
}

void ControlServer::send(ClientId id, std::string_view line) {
  const auto found = clients_.find(id);
  if (found == clients_.end() || found->second.closing) return;
  evbuffer* output = bufferevent_get_output(found->second.channel);
  if (evbuffer_get_length(output) > kUnsentMax) return drop(id);
  evbuffer_add(output, line.data(), line.size());
  evbuffer_add(output, "\n", 1);
}

std::string ControlServer::peer_of(ClientId id) const {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return {};
  ucred peer{};
  socklen_t size = sizeof(peer);
  const int fd = bufferevent_getfd(found->second.channel);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
  return "uid " + std::to_string(peer.uid) + ", pid " + std::to_string(peer.pid);
}

void ControlServer::close_after_send(ClientId id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  found->second.closing = true;
  bufferevent_disable(found->second.channel, EV_READ);
  if (evbuffer_get_length(bufferevent_get_output(found->second.channel)) == 0) drop(id);
}

void ControlServer::flush() {
  for (auto& [id, client] : clients_) {
    evbuffer* const out = bufferevent_get_output(client.channel);
    evbuffer_unfreeze(out, 1);  // a bufferevent lets nobody else drain it
    evbuffer_write(out, bufferevent_getfd(client.channel));
    evbuffer_freeze(out, 1);
  }
}

void ControlServer::drop(ClientId id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  bufferevent_free(found->second.channel);
  clients_.erase(found);
  on_gone_(id);
}

}  // namespace tandemq
