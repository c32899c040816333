// The agent's end of the control socket against a scripted broker in a process of its own.
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

#include "failover/shell/broker_client.h"
#include "failover/shell/process_watch.h"
#include "failover/shell/processor_use.h"
#include "loop_rig.h"

using namespace tandemq;
using namespace tandemq::failover;
using nlohmann::json;

namespace {

const json kStatus{{"role", "standby"}, {"pair_state", "paired"}, {"epoch", 257}, {"last_lsn", 9},
                   {"in_sync", true},   {"peer_connected", true}, {"change", 3}};

// Answers requests line by line; `reply` makes the answer, an empty one means silence.
[[noreturn]] void serve(const std::string& path, std::string (*reply)(const json&)) {
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  listen(listener, 8);
  const int fd = accept(listener, nullptr, nullptr);
  std::string text;
  char buffer[4096];
  for (ssize_t size; (size = read(fd, buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<std::size_t>(size));
    for (std::size_t end; (end = text.find('\n')) != text.npos; text.erase(0, end + 1)) {
      const std::string answer = reply(json::parse(text.substr(0, end)));
      const std::size_t end_of_life = std::min(answer.find('\0'), answer.size());
      if (write(fd, answer.data(), end_of_life) < 0) _exit(1);
      if (end_of_life == answer.size()) continue;
      usleep(50000);
      if (write(fd, answer.data() + end_of_life + 1, answer.size() - end_of_life - 1) < 0) _exit(1);
      _exit(0);
    }
  }
  _exit(0);
}

std::string obey(const json& r) {
  json a{{"id", r["id"]}, {"ok", true}};
  if (r["cmd"] == "watch" || r["cmd"] == "status") a["status"] = kStatus;
  if (r["cmd"] == "promote") a["epoch"] = 513, a["change"] = 4;
  if (r["cmd"] == "solo") a = {{"id", r["id"]}, {"ok", false}, {"error", "not waiting"}};
  return a.dump() + "\n";
}
std::string obey_unpaired(const json& r) {
  json a = json::parse(obey(r));
  if (a.contains("status")) a["status"]["pair_state"] = "resyncing";
  return a.dump() + "\n";
}
std::string obey_busy(const json& r) {
  json a = json::parse(obey_unpaired(r));
  if (a.contains("status")) a["status"]["busy"] = "takes over a snapshot";
  return a.dump() + "\n";
}
// Says more than is read at once, the last of it that it goes alone, and dies.
std::string obey_and_die(const json& r) {
  std::string words = obey(r) + '\0';
  json status = json::parse(obey(r))["status"];
  status["pad"] = std::string(1700, 'x');
  for (int i = 0; i < 5; ++i) {
    status["was_solo"] = i == 4;
    words += json{{"event", "status"}, {"status", status}}.dump() + "\n";
  }
  return words;
}
// So slow that the next call was sent before each answer.
std::string one_behind(const json& r) {
  static std::string held;
  return r["cmd"] == "status" ? std::exchange(held, obey(r)) : obey(r);
}
std::string garbage_after_watch(const json& r) {
  return r["cmd"] == "watch" ? obey(r) : "{\"id\": [}\n";
}
std::string odd_types(const json& r) {
  if (r["cmd"] == "watch") return obey(r);
  return json{{"id", r["id"]}, {"ok", "perhaps"}, {"error", 7}}.dump() + "\n";
}

struct Rig : LoopRig {
  std::vector<std::pair<EventKind, decltype(Event::data)>> events;
  pid_t child = 0;
  std::unique_ptr<BrokerClient> client;

  void start(std::string (*reply)(const json&)) {
    const std::string path = folder / "broker.sock";
    client =
        std::make_unique<BrokerClient>(base, BrokerClientConfig{path, 10, 100, 50},
                                       [this](EventKind kind, const decltype(Event::data)& data) {
                                         events.emplace_back(kind, data);
                                       });
    client->start();
    CHECK(count(EventKind::broker_lost) == 1);  // nobody there yet, told once
    child = fork();
    if (child == 0) serve(path, reply);
    REQUIRE(until(3000, [&] { return count(EventKind::broker_up) == 1; }));
  }
  int count(EventKind kind) const {
    int n = 0;
    for (const auto& e : events) n += e.first == kind;
    return n;
  }
  const OrderDone* last_done() const {
    for (auto e = events.rbegin(); e != events.rend(); ++e) {
      if (e->first == EventKind::order_done) return &std::get<OrderDone>(e->second);
    }
    return nullptr;
  }
  void order(Order what) {
    Action a;
    a.kind = ActionKind::order_broker;
    a.order = what;
    client->order(a);
  }
  ~Rig() {
    if (child > 0) ::kill(child, SIGKILL), waitpid(child, nullptr, 0);
  }
};

}  // namespace

TEST_CASE("the last words of a broker that died while the agent stood still are read to the end") {
  Rig rig;
  rig.start(&obey_and_die);
  usleep(200000);
  REQUIRE(rig.until(1000, [&] { return rig.count(EventKind::broker_lost) == 2; }));
  bool solo = false;
  for (const auto& [kind, data] : rig.events) {
    if (kind == EventKind::broker_status) solo = std::get<BrokerStatus>(data).was_solo;
  }
  CHECK(solo);
}

TEST_CASE("status, orders, refusals") {
  Rig rig;
  rig.start(&obey);
  for (const auto& [kind, data] : rig.events) {
    if (kind != EventKind::broker_up) continue;
    const BrokerStatus b = std::get<BrokerStatus>(data);
    CHECK(b.in_sync);
    CHECK(b.epoch == 257);
    CHECK(b.change == 3);
  }
  CHECK(rig.client->pid() == rig.child);
  rig.order(Order::promote);
  REQUIRE(rig.until(1000, [&] { return rig.last_done(); }));
  CHECK(rig.last_done()->ok);
  CHECK(rig.last_done()->epoch == 513);
  CHECK(rig.last_done()->change == 4);
  rig.order(Order::solo);
  REQUIRE(rig.until(1000, [&] { return rig.last_done()->order == Order::solo; }));
  CHECK(rig.last_done()->refused);
  CHECK(rig.last_done()->error == "not waiting");
  CHECK_FALSE(rig.until(400, [&] { return rig.count(EventKind::broker_hung) > 0; }));
}

TEST_CASE("of a slow broker's status it is known when it was asked for") {
  Rig rig;
  rig.start(&one_behind);
  REQUIRE(rig.until(3000, [&] { return rig.count(EventKind::broker_status) >= 3; }));
  TimeMs before = 0;
  for (const auto& [kind, data] : rig.events) {
    if (kind != EventKind::broker_up && kind != EventKind::broker_status) continue;
    CHECK(std::get<BrokerStatus>(data).asked_at > before);
    before = std::get<BrokerStatus>(data).asked_at;
  }
}

TEST_CASE("kill -9 is noticed at once") {
  Rig rig;
  rig.start(&obey);
  rig.order(Order::demote);
  ::kill(rig.child, SIGKILL);
  const TimeMs begin = boottime_ms();
  CHECK(rig.until(1000, [&] { return rig.count(EventKind::broker_lost) == 2; }));
  CHECK(boottime_ms() - begin < 200);
  CHECK_FALSE(rig.until(200, [&] { return rig.count(EventKind::broker_lost) > 2; }));
}

TEST_CASE("a broker that stands still is told as hung, and dies of the kill") {
  Rig rig;
  rig.start(&obey);
  ::kill(rig.child, SIGSTOP);
  REQUIRE(rig.until(5000, [&] { return rig.count(EventKind::broker_hung) == 1; }));
  CHECK(rig.count(EventKind::broker_lost) == 1);
  rig.client->kill();
  CHECK(rig.until(2000, [&] { return rig.count(EventKind::broker_lost) == 2; }));
}

TEST_CASE("a broker that nobody could replace has a longer breath") {
  Rig rig;
  rig.start(&obey_unpaired);
  rig.until(2100, [] { return false; });
  ::kill(rig.child, SIGSTOP);
  CHECK_FALSE(rig.until(700, [&] { return rig.count(EventKind::broker_hung) > 0; }));
  CHECK(rig.until(2000, [&] { return rig.count(EventKind::broker_hung) == 1; }));
}

TEST_CASE("a broker that has told what it stands still for is waited for") {
  Rig rig;
  rig.start(&obey_busy);
  rig.until(2100, [] { return false; });
  ::kill(rig.child, SIGSTOP);
  CHECK_FALSE(rig.until(2000, [&] { return rig.count(EventKind::broker_hung) > 0; }));
}

TEST_CASE("a broker that gets no processor is starved; one that stands or spins is not") {
  constexpr std::uint64_t ms = 1'000'000;
  const ProcessorUse before{'S', 700 * ms};
  CHECK(starved(before, {'R', 700 * ms}, 300));
  CHECK(starved(before, {'R', 840 * ms}, 300));
  CHECK_FALSE(starved(before, {'R', 990 * ms}, 300));  // runs all the time
  for (const char state : {'S', 'D', 'T', 'Z'}) {
    CAPTURE(state);
    CHECK_FALSE(starved(before, {state, 700 * ms}, 300));
  }
}

TEST_CASE("what the kernel tells about a process that spins, stands, and is gone") {
  const pid_t child = fork();
  if (child == 0) {
    for (volatile bool more = true; more;) {
    }
  }
  const auto use = [&] {
    const auto found = processor_use(child);
    REQUIRE(found);
    return *found;
  };
  const ProcessorUse before = use();
  while (use().on_cpu_ns < before.on_cpu_ns + 5'000'000) usleep(1000);
  CHECK(use().state == 'R');
  ::kill(child, SIGSTOP);
  int status = 0;
  waitpid(child, &status, WUNTRACED);
  CHECK(use().state == 'T');
  ::kill(child, SIGKILL);
  waitpid(child, &status, 0);
  CHECK_FALSE(processor_use(child));
}

TEST_CASE(
    "threads that sleep or stop may run again; a parent in vfork and a dead process may not") {
  const auto stands_still = [](pid_t pid, char wanted) {
    for (int i = 0; i < 2000; ++i, usleep(1000)) {
      const auto use = processor_use(pid);
      if (use && use->state == wanted) return threads_stand_still(pid);
    }
    FAIL("never in state " << wanted);
    return false;
  };
  pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  CHECK_FALSE(stands_still(child, 'S'));
  ::kill(child, SIGSTOP);
  CHECK_FALSE(stands_still(child, 'T'));
  ::kill(child, SIGKILL);
  CHECK(stands_still(child, 'Z'));
  waitpid(child, nullptr, 0);
  CHECK_FALSE(threads_stand_still(child));

  int gate[2];
  REQUIRE(pipe(gate) == 0);
  child = fork();
  if (child == 0) {
    close(gate[1]);
    char byte = 0;
    if (vfork() == 0) _exit(static_cast<int>(read(gate[0], &byte, 1)));
    _exit(0);
  }
  CHECK(stands_still(child, 'D'));
  close(gate[1]);
  close(gate[0]);
  waitpid(child, nullptr, 0);
}

TEST_CASE("garbage and odd types end the connection, not the agent") {
  for (auto reply : {&garbage_after_watch, &odd_types}) {
    Rig rig;
    rig.start(reply);
    rig.order(Order::promote);
    CHECK(rig.until(2000, [&] { return rig.count(EventKind::broker_disconnected) == 1; }));
    CHECK(rig.count(EventKind::broker_lost) == 1);
  }
}

TEST_CASE("an order without a connection is refused at once") {
  Rig rig;
  rig.client =
      std::make_unique<BrokerClient>(rig.base, BrokerClientConfig{rig.folder / "none", 10, 100, 50},
                                     [&](EventKind kind, const decltype(Event::data)& data) {
                                       rig.events.emplace_back(kind, data);
                                     });
  rig.order(Order::promote);
  REQUIRE(rig.last_done());
  CHECK(rig.last_done()->refused);
}

TEST_CASE(
    "a broker that an earlier life of the agent watched is not gone while its process lives") {
  LoopRig rig;
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  std::vector<EventKind> events;
  BrokerClient client(
      rig.base, {rig.folder / "broker.sock", 10, 30, 50},
      [&](EventKind kind, const decltype(Event::data)&) { events.push_back(kind); });
  client.start(identify(child));
  CHECK_FALSE(rig.until(100, [&] { return !events.empty(); }));
  // Its socket is gone and stays away: as good as hung.
  CHECK(rig.until(2000, [&] { return events == std::vector{EventKind::broker_hung}; }));
  client.kill();
  CHECK(rig.until(2000, [&] { return events.back() == EventKind::broker_lost; }));
  waitpid(child, nullptr, 0);
}

TEST_CASE("another process with the number of the broker before is nobody") {
  LoopRig rig;
  std::vector<EventKind> events;
  BrokerClient client(
      rig.base, {rig.folder / "broker.sock", 10, 30, 50},
      [&](EventKind kind, const decltype(Event::data)&) { events.push_back(kind); });
  ProcessId before = identify(getpid());
  ++before.started;
  client.start(before);
  CHECK(events == std::vector{EventKind::broker_lost});
}
