// GET /metrics over HTTP/1.1, on a thread of its own: who connects and says nothing, or asks again
// and again, costs the daemon's loop nothing and keeps no scrape out.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "broker/base/result.h"

struct bufferevent;
struct evconnlistener;
struct event;
struct event_base;

namespace tandemq {

class ScrapeServer {
 public:
  // Makes the page; called on the server's thread.
  using Page = std::function<std::string()>;

  // One more ends the one that has waited longest without asking; whoever is being answered, last.
  static constexpr std::size_t kConnectionsMax = 32;
  static constexpr std::size_t kRequestMax = 8 << 10;
  static constexpr int kIdleSeconds = 5;

  // `listen` is "ADDRESS:PORT". The error is the reason alone, code kExitEnvironment.
  static Result<std::unique_ptr<ScrapeServer>> open(const std::string& listen, Page page);
  // Ends the thread; waits for a page that is being made.
  ~ScrapeServer();

 private:
  struct Connection {
    ScrapeServer* server;
    bufferevent* channel;
    bool answered = false;
  };

  explicit ScrapeServer(Page page) : page_(std::move(page)) {}
  void start();
  void accept(int fd);
  void make_room();
  void read(Connection& connection);
  void answer(Connection& connection, const std::string& status, const std::string& body);
  void drop(Connection& connection);

  Page page_;
  event_base* base_ = nullptr;
  evconnlistener* listener_ = nullptr;
  event* wakeup_ = nullptr;
  int wakeup_fd_ = -1;
  std::list<Connection> connections_;  // the one that came first in front
  std::thread thread_;
};

}  // namespace tandemq
