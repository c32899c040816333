// The control socket, over a real socket, with a node that only notes what it is told.
#include <doctest/doctest.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "broker/shell/control.h"

using namespace tandemq;
using namespace tandemq::broker;
using nlohmann::json;

namespace {

class NotedOrders : public Orders {
 public:
  NodeStatus status() override { return status_; }
  Result<Epoch> promote(Epoch at_least, bool force, const std::string&,
                        const std::function<bool()>& stands) override {
    bounded = static_cast<bool>(stands);
    if (refuse) return Error{"not in sync"};
    noted = "promote " + std::to_string(at_least) + (force ? " force" : "");
    return Epoch{77};
  }
  Status demote(const std::string& reason) override { return note("demote " + reason); }
  Status solo(const std::string& authority) override { return note("solo " + authority); }
  Status lose_sync(const std::string& reason) override { return note("lose_sync " + reason); }
  void switchover(const std::string&, Answer<Done> done) override { later = done; }
  void leave(const std::string& reason, Answer<Done> done) override {
    done(note("leave " + reason));
  }
  void checkpoint(Answer<Lsn> done) override { done(Lsn{12}); }
  std::uint64_t state_hash() override { return 17; }
  void change_account(core::AccountOrder order, const std::string& by, Answer<Done> done) override {
    ordered = std::move(order);
    noted = by;
    later = done;
  }
  const core::Accounts& accounts() override { return accounts_; }
  Status reload() override { return note("reload"); }
  void shutdown() override { noted = "shutdown"; }

  Status note(std::string what) {
    noted = std::move(what);
    return Done{};
  }
  NodeStatus status_;
  bool bounded = false;
  std::string noted;
  core::AccountOrder ordered;
  core::Accounts accounts_;
  bool refuse = false;
  Answer<Done> later;
};

class Bench {
 public:
  Bench() {
    path_ = "/tmp/tandemq-test-" + std::to_string(getpid()) + ".sock";
    Result<std::unique_ptr<Control>> opened = Control::open(base_, path_, orders);
    REQUIRE(opened);
    control = std::move(opened).value();
  }
  ~Bench() {
    for (const int fd : clients_) close(fd);
    control.reset();
    event_base_free(base_);
  }

  int client() {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path_.c_str());
    REQUIRE(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    clients_.push_back(fd);
    return fd;
  }
  void turn() {
    for (int i = 0; i < 5; ++i) event_base_loop(base_, EVLOOP_NONBLOCK);
  }
  // What has arrived; "closed" when the connection is.
  std::string received(int fd) {
    turn();
    std::string out(1 << 20, '\0');
    const ssize_t got = recv(fd, out.data(), out.size(), 0);
    if (got == 0 || (got < 0 && errno == ECONNRESET)) return "closed";
    out.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return out;
  }
  json ask(int fd, const std::string& line) {
    send(fd, (line + "\n").data(), line.size() + 1, MSG_NOSIGNAL);
    const std::string answer = received(fd);
    INFO(answer);
    REQUIRE(answer.size() > 1);
    return json::parse(answer);
  }

  NotedOrders orders;
  std::unique_ptr<Control> control;
  const std::string& path() const { return path_; }
  event_base* base() { return base_; }

 private:
  event_base* base_ = event_base_new();
  std::string path_;
  std::vector<int> clients_;
};

}  // namespace

TEST_CASE("commands and their answers") {
  Bench bench;
  const int fd = bench.client();
  CHECK(bench.ask(fd, R"({"cmd":"ping","id":1})") == json{{"id", 1}, {"ok", true}});
  CHECK(bench.ask(fd, R"({"cmd":"promote","id":"x","epoch":5,"force":true})")["epoch"] == 77);
  CHECK(bench.orders.noted == "promote 5 force");
  CHECK_FALSE(bench.orders.bounded);
  bench.ask(fd, R"({"cmd":"promote","id":"x","epoch":5,"deadline_ms":9000000000000})");
  CHECK(bench.orders.bounded);
  CHECK(bench.ask(fd, R"({"cmd":"demote","id":2,"reason":"r"})")["ok"] == true);
  CHECK(bench.orders.noted == "demote r");
  CHECK(bench.ask(fd, R"({"cmd":"lose_sync","id":2,"reason":"r"})")["ok"] == true);
  CHECK(bench.orders.noted == "lose_sync r");
  CHECK(bench.ask(fd, R"({"cmd":"leave","id":2,"reason":"r"})")["ok"] == true);
  CHECK(bench.ask(fd, R"({"cmd":"checkpoint","id":2})")["lsn"] == 12);
  CHECK(bench.ask(fd, R"({"cmd":"status","id":2})")["status"]["role"] == "standby");
  CHECK(bench.ask(fd, R"({"cmd":"shutdown","id":2})")["ok"] == true);
  CHECK(bench.orders.noted == "shutdown");
}

TEST_CASE("refusals carry a sentence and a code") {
  Bench bench;
  const int fd = bench.client();
  bench.orders.refuse = true;
  const json refused = bench.ask(fd, R"({"cmd":"promote","id":1})");
  CHECK(refused == json{{"id", 1}, {"ok", false}, {"error", "not in sync"}, {"code", "refused"}});
  CHECK(bench.ask(fd, R"({"cmd":"nonsense","id":1})")["code"] == "unknown_command");
  CHECK(bench.ask(fd, R"({"cmd":"promote","id":1,"deadline_ms":1})")["code"] == "expired");
  bench.orders.status_.replica.change = 4;
  CHECK(bench.ask(fd, R"({"cmd":"solo","id":1,"change":3})")["code"] == "stale");
  CHECK(bench.ask(fd, R"({"cmd":"solo","id":1,"change":4,"authority":"timeout"})")["ok"] == true);
  CHECK(bench.orders.noted == "solo timeout");
}

TEST_CASE("an order about a user is answered when it is committed") {
  Bench bench;
  const int fd = bench.client();
  const std::string line =
      R"({"cmd":"account","id":1,"do":"add","kind":"user","name":"anna","lines":["meters"]})";
  send(fd, (line + "\n").data(), line.size() + 1, MSG_NOSIGNAL);
  CHECK(bench.received(fd).empty());
  CHECK(bench.orders.ordered.name == "anna");
  CHECK(bench.orders.ordered.lines == std::vector<std::string>{"meters"});
  CHECK(bench.orders.noted ==
        "uid " + std::to_string(getuid()) + ", pid " + std::to_string(getpid()));
  bench.orders.later(Done{});
  CHECK(json::parse(bench.received(fd))["ok"] == true);
  for (const char* wrong : {R"({"cmd":"account","do":"fly","kind":"user","name":"a"})",
                            R"({"cmd":"account","do":"add","kind":"dog","name":"a"})",
                            R"({"cmd":"account","do":"disable","kind":"role","name":"a"})"})
    CHECK(bench.ask(fd, wrong)["code"] == "refused");
  CHECK(bench.ask(fd, R"({"cmd":"account","do":"add","kind":"user","lines":7})")["code"] ==
        "bad_request");
}

TEST_CASE("users come a page at a time, without what is known of their passwords") {
  Bench bench;
  for (int i = 0; i < 1000; ++i)
    bench.orders.accounts_.users[std::string(100, 'x') + std::to_string(i)] = {true, "$7$hash", {}};
  const int fd = bench.client();
  json request{{"cmd", "accounts"}, {"kind", "user"}};
  std::size_t seen = 0, pages = 0;
  for (bool more = true; more; ++pages) {
    const json page = bench.ask(fd, request.dump());
    CHECK(page["total"] == 1000);
    CHECK(page.dump().find("hash") == std::string::npos);
    seen += page["accounts"].size();
    more = page["more"];
    request["after"] = page["accounts"].back()["name"];
  }
  CHECK(seen == 1000);
  CHECK(pages > 1);
  CHECK(bench.ask(fd, R"({"cmd":"accounts","kind":"role","name":"none"})")["code"] == "refused");
}

TEST_CASE("garbage is answered and the connection closed") {
  const std::string long_line(70'000, 'x');
  for (const std::string& line : {std::string("{"), std::string("[1]"), std::string("\xff\xfe"),
                                  std::string(R"({"cmd":7})"), long_line}) {
    CAPTURE(line.size());
    Bench bench;
    const int fd = bench.client();
    CHECK(bench.ask(fd, line)["code"] == "bad_request");
    CHECK(bench.received(fd) == "closed");
  }
}

TEST_CASE("an answer that comes later finds its caller, or nobody") {
  Bench bench;
  const int fd = bench.client();
  const std::string line = "{\"cmd\":\"switchover\",\"id\":9}\n";
  send(fd, line.data(), line.size(), 0);
  CHECK(bench.received(fd).empty());
  bench.orders.later(Status(Done{}));
  CHECK(json::parse(bench.received(fd)) == json{{"id", 9}, {"ok", true}});
  send(fd, line.data(), line.size(), 0);
  bench.turn();
  shutdown(fd, SHUT_RDWR);
  bench.turn();
  bench.orders.later(Status(Done{}));
}

TEST_CASE("watchers hear of changes, once each") {
  Bench bench;
  const int fd = bench.client();
  bench.control->announce();
  CHECK(bench.ask(fd, R"({"cmd":"watch","id":1})")["ok"] == true);
  bench.control->announce();
  CHECK(bench.received(fd).empty());
  bench.orders.status_.replica.role = repl::Role::primary;
  bench.control->announce();
  const json event = json::parse(bench.received(fd));
  CHECK(event["event"] == "status");
  CHECK(event["status"]["role"] == "primary");
  CHECK_FALSE(event.contains("id"));
}

TEST_CASE("what the loop is about to stand still for is told before it does") {
  Bench bench;
  const int fd = bench.client();
  CHECK(bench.ask(fd, R"({"cmd":"watch","id":1})")["ok"] == true);
  bench.orders.status_.busy = "takes over a snapshot";
  bench.control->announce();
  bench.control->flush();
  std::string line(1 << 16, '\0');  // no turn of the loop in between
  const ssize_t got = recv(fd, line.data(), line.size(), 0);
  REQUIRE(got > 0);
  line.resize(static_cast<std::size_t>(got));
  CHECK(json::parse(line)["status"]["busy"] == "takes over a snapshot");
}

TEST_CASE("a watcher that does not read is dropped") {
  Bench bench;
  const int fd = bench.client();
  bench.ask(fd, R"({"cmd":"watch","id":1})");
  for (std::uint64_t i = 1; i < 2000; ++i) {
    bench.orders.status_.replica.change = i;
    bench.control->announce();
    if (i % 100 == 0) bench.turn();
  }
  std::string last;
  while (last != "closed") {
    last = bench.received(fd);
    REQUIRE_FALSE(last.empty());
  }
}

TEST_CASE("the socket has mode 0660 and is not taken from a living broker") {
  Bench bench;
  struct stat info {};
  REQUIRE(stat(bench.path().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0660);
  NotedOrders orders;
  const Result<std::unique_ptr<Control>> second = Control::open(bench.base(), bench.path(), orders);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == 3);
  CHECK(second.error().message.find("another process answers") != std::string::npos);
}
