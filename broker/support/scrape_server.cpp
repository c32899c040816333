#include "broker/support/scrape_server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "broker/base/check.h"
#include "broker/base/exit_code.h"
#include "broker/support/endpoint.h"

namespace tandemq {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr timeval kWithoutDescriptors{0, 200'000};  // pause

// The connection waits still: without a pause the loop would spin.
void on_accept_error(evconnlistener* listener, void*) {
  evconnlistener_disable(listener);
  event_base_once(
      evconnlistener_get_base(listener), -1, EV_TIMEOUT,
      [](evutil_socket_t, short, void* self) {
        evconnlistener_enable(static_cast<evconnlistener*>(self));
      },
      listener, &kWithoutDescriptors);
}

}  // namespace

Result<std::unique_ptr<ScrapeServer>> ScrapeServer::open(const std::string& listen, Page page) {
  const Result<Endpoint> endpoint = parse_endpoint(listen);
  if (!endpoint) return endpoint.error();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int failed =
      getaddrinfo(endpoint->host.c_str(), std::to_string(endpoint->port).c_str(), &hints, &found);
  if (failed != 0) return Error{gai_strerror(failed), kExitEnvironment};
  std::unique_ptr<ScrapeServer> server(new ScrapeServer(std::move(page)));
  server->base_ = event_base_new();
  const auto accept = [](evconnlistener*, evutil_socket_t fd, sockaddr*, int, void* self) {
    static_cast<ScrapeServer*>(self)->accept(fd);
  };
  server->listener_ =
      evconnlistener_new_bind(server->base_, accept, server.get(),
                              LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, -1,
                              found->ai_addr, static_cast<int>(found->ai_addrlen));
  const int error = errno;
  freeaddrinfo(found);
  if (!server->listener_) return Error{std::strerror(error), kExitEnvironment};
  evconnlistener_set_error_cb(server->listener_, on_accept_error);
  server->start();
  return server;
}

// Signals are the main thread's.
void ScrapeServer::start() {
  wakeup_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  TMQ_CHECK(wakeup_fd_ >= 0);
  wakeup_ = event_new(
      base_, wakeup_fd_, EV_READ,
      [](evutil_socket_t, short, void* base) {
        event_base_loopbreak(static_cast<event_base*>(base));
      },
      base_);
  event_add(wakeup_, nullptr);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { event_base_dispatch(base_); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ScrapeServer::~ScrapeServer() {
  if (thread_.joinable()) {
    TMQ_CHECK(eventfd_write(wakeup_fd_, 1) == 0);
    thread_.join();
  }
  while (!connections_.empty()) drop(connections_.front());
  if (listener_) evconnlistener_free(listener_);
  if (wakeup_) event_free(wakeup_);
  if (wakeup_fd_ >= 0) close(wakeup_fd_);
  if (base_) event_base_free(base_);
}

void ScrapeServer::accept(int fd) {
  if (connections_.size() >= kConnectionsMax) make_room();
  bufferevent* channel = bufferevent_socket_new(base_, fd, BEV_OPT_CLOSE_ON_FREE);
  if (!channel) {
    close(fd);
    return;
  }
  Connection& connection = connections_.emplace_back(Connection{this, channel});
  bufferevent_setcb(
      channel,
      [](bufferevent*, void* c) {
        auto* readable = static_cast<Connection*>(c);
        readable->server->read(*readable);
      },
      [](bufferevent*, void* c) {
        auto* written = static_cast<Connection*>(c);
        if (written->answered) written->server->drop(*written);
      },
      [](bufferevent*, short, void* c) {
        auto* ended = static_cast<Connection*>(c);
        ended->server->drop(*ended);
      },
      &connection);
  const timeval idle{kIdleSeconds, 0};
  bufferevent_set_timeouts(channel, &idle, &idle);
  bufferevent_setwatermark(channel, EV_READ, 0, kRequestMax);
  bufferevent_enable(channel, EV_READ | EV_WRITE);
}

void ScrapeServer::make_room() {
  const auto waits = std::find_if(connections_.begin(), connections_.end(),
                                  [](const Connection& one) { return !one.answered; });
  drop(waits == connections_.end() ? connections_.front() : *waits);
}

void ScrapeServer::read(Connection& connection) {
  if (connection.answered) return;
  evbuffer* input = bufferevent_get_input(connection.channel);
  const std::size_t size = evbuffer_get_length(input);
  const evbuffer_ptr end = evbuffer_search(input, kEndOfHead.data(), kEndOfHead.size(), nullptr);
  if (end.pos < 0 && size < kRequestMax) return;
  std::string head(std::min(size, kRequestMax), '\0');
  evbuffer_copyout(input, head.data(), head.size());
  if (end.pos < 0) return answer(connection, "431 Request Header Fields Too Large", "");
  if (!head.starts_with("GET ")) return answer(connection, "405 Method Not Allowed", "");
  const std::string_view target =
      std::string_view(head).substr(4, head.find_first_of(" \r", 4) - 4);
  const bool is_page = target.substr(0, target.find('?')) == "/metrics";
  if (!is_page) return answer(connection, "404 Not Found", "The figures are at /metrics\n");
  answer(connection, "200 OK", page_());
}

void ScrapeServer::answer(Connection& connection, const std::string& status,
                          const std::string& body) {
  connection.answered = true;
  bufferevent_disable(connection.channel, EV_READ);
  const std::string text = "HTTP/1.1 " + status +
                           "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8"
                           "\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
  bufferevent_write(connection.channel, text.data(), text.size());
}

void ScrapeServer::drop(Connection& connection) {
  bufferevent_free(connection.channel);
  connections_.remove_if([&](const Connection& one) { return &one == &connection; });
}

}  // namespace tandemq
