// What may arrive on the replication port besides the peer.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

#include "broker/base/bytes.h"
#include "driver_pair.h"
#include "replicator/core/wire.h"

using namespace tandemq;
using namespace tandemq::repl;

namespace {

class Stranger {
 public:
  explicit Stranger(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  ~Stranger() { ::close(fd_); }
  void send(const std::string& bytes) {
    static_cast<void>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  // Reads what has come; true when the other side has closed.
  bool closed() {
    char buffer[4096];
    const ssize_t n = ::recv(fd_, buffer, sizeof(buffer), 0);
    if (n > 0) received.append(buffer, static_cast<std::size_t>(n));
    return n == 0 || (n < 0 && errno != EAGAIN);
  }
  std::string received;

 private:
  int fd_;
};

std::string hello_of(const std::string& pair_id, unsigned index) {
  msg::Hello hello;
  hello.pair_id = pair_id;
  hello.node_index = index;
  hello.node_name = index == 1 ? "a" : "b";
  std::string out;
  encode(out, hello);
  return out;
}

// A pair that works, and b's port.
struct Target : DriverPair {
  Target() {
    pair_up();
    connects_ = connects();
  }
  std::uint64_t connects() const { return a.replicator->link_figures().connects_total; }
  std::uint16_t port() { return b.config.listen_port; }
  bool still_paired() { return paired(a, b) && connects() == connects_; }
  // Sends it, waits for the end of the connection, and looks whether the pair was disturbed.
  std::string try_with(const std::string& bytes) {
    Stranger stranger(port());
    stranger.send(bytes);
    CHECK(run_until([&] { return stranger.closed(); }, 4000));
    run_for(20);
    CHECK(still_paired());
    return stranger.received;
  }

 private:
  std::uint64_t connects_ = 0;
};

std::string reject_in(const std::string& bytes) {
  Message message;
  std::size_t size = 0;
  if (decode(bytes, message, size) != WireRead::message) return "";
  const auto* reject = std::get_if<msg::Reject>(&message);
  return reject != nullptr ? reject->reason : "";
}

}  // namespace

TEST_CASE("garbage on the port is refused and the link that works stays") {
  Target target;
  std::mt19937_64 random(7);
  for (int i = 0; i < 20; ++i) {
    std::string bytes(1 + random() % 3000, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    // A length that would be waited for is a case of its own, below.
    bytes[0] = static_cast<char>(random() % 8);
    bytes.replace(1, std::min<std::size_t>(3, bytes.size() - 1), 3, '\0');
    target.try_with(bytes);
  }
  std::string huge;
  put_le<std::uint32_t>(huge, 0xffffffffu);
  target.try_with(huge + std::string(100, 'x'));
  put_le<std::uint32_t>(huge = "", kFirstMessageMax + 1);
  target.try_with(huge + std::string(100, 'x'));
  std::string records;
  encode_records_header(records, 5);
  target.try_with(records + "12345");
  target.try_with("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(target.b.logged("link_refused"));
}

TEST_CASE("half a Hello is given up after a while, and any number of silent connections") {
  Target target;
  std::vector<std::unique_ptr<Stranger>> crowd;
  for (int i = 0; i < 30; ++i) {
    crowd.push_back(std::make_unique<Stranger>(target.port()));
    crowd.back()->send(hello_of("test", 1).substr(0, static_cast<std::size_t>(i)));
    target.run_for(1);
  }
  REQUIRE(target.run_until([&] { return crowd.front()->closed() && crowd.back()->closed(); }));
  CHECK(target.still_paired());
  crowd.clear();
  target.try_with(hello_of("other", 1));
}

TEST_CASE("a node of another pair or with the same index is told why it is refused") {
  Target target;
  CHECK(reject_in(target.try_with(hello_of("other", 1))).find("pair_id") != std::string::npos);
  CHECK(reject_in(target.try_with(hello_of("test", 2))).find("node.index") != std::string::npos);
  msg::Hello newer;
  newer.newest = newer.oldest = kProtocolNewest + 1;
  std::string bytes;
  newer.software = "7.0";
  encode(bytes, newer);
  const std::string why = reject_in(target.try_with(bytes));
  CHECK(why.find("TandeMQ 7.0) speaks replication protocol 3") != std::string::npos);
  CHECK(why.find("b (TandeMQ 1.0) replication protocol 2") != std::string::npos);
  const Meeting meeting = target.b.replicator->meeting();
  CHECK(meeting.refused.empty());  // a stranger beside a link that works
}

TEST_CASE("a second connection of the right peer takes the place of the first") {
  Target target;
  const std::uint64_t before = target.connects();
  Stranger twin(target.port());
  twin.send(hello_of("test", 1));
  // It says nothing more: the real peer dials again and is back.
  REQUIRE(target.run_until([&] { return target.connects() > before; }));
  REQUIRE(target.run_until([&] { return target.paired(target.a, target.b); }));
}

TEST_CASE("a misconfigured peer is retried with patience and said in a sentence") {
  DriverPair pair([](ReplicatorConfig& config) {
    if (config.node_index == 2) config.pair_id = "another plant";
  });
  pair.start_both();
  REQUIRE(pair.run_until([&] { return pair.b.logged("belongs to pair 'test'"); }));
  REQUIRE(
      pair.run_until([&] { return pair.a.status().reason.find("refused") != std::string::npos; }));
  for (DriverNode* node : {&pair.a, &pair.b}) {
    CHECK(node->replicator->meeting().refused.find("another plant") != std::string::npos);
  }
  pair.run_for(300);
  CHECK(pair.a.replicator->link_figures().connects_total < 5);
  CHECK_FALSE(pair.a.status().peer_connected);
}

TEST_CASE("a data folder of another pair or node is refused") {
  DriverPair pair;
  pair.start(pair.a);
  pair.kill(pair.a);
  pair.a.config.pair_id = "other";
  const Status other = pair.try_start(pair.a);
  REQUIRE_FALSE(other);
  CHECK(other.error().message.find("belongs to") != std::string::npos);
  CHECK(other.error().code == 2);
}

TEST_CASE("the same index on both is told on both, whichever it is") {
  for (const unsigned index : {1u, 2u}) {
    DriverPair pair([&](ReplicatorConfig& config) { config.node_index = index; });
    pair.start_both();
    const std::string words = "has node.index " + std::to_string(index);
    for (DriverNode* node : {&pair.a, &pair.b}) {
      CHECK(pair.run_until(
          [&] { return node->replicator->meeting().refused.find(words) != std::string::npos; },
          9000));
    }
  }
}

TEST_CASE("a listener whose peer dials asks it nothing and keeps the link") {
  DriverPair pair;
  pair.start(pair.b);
  pair.run_for(2300);  // it has asked and nobody was there
  pair.start(pair.a);
  REQUIRE(pair.run_until([&] { return pair.b.status().peer_connected; }));
  pair.run_for(100);
  CHECK(pair.a.replicator->link_figures().connects_total == 1);
  CHECK(pair.a.replicator->link_figures().rejected_total == 0);
}

TEST_CASE("a program that was put back leaves data of a newer one alone, and says so") {
  DriverPair pair([](ReplicatorConfig& config) {
    config.software = "2.0";
    config.known = features_with({{kFirstUserKind, 1}, {40, 1}}, 1);
  });
  pair.pair_up();
  CHECK(pair.a.replicator->writes(40) == 1);
  pair.kill(pair.a);
  ReplicatorConfig& config = pair.a.config;
  config.software = "1.0";
  config.known = config.baseline;
  const Status by_meta = pair.try_start(pair.a);
  REQUIRE_FALSE(by_meta);
  CHECK(by_meta.error().code == 2);
  CHECK(by_meta.error().message.find("written by TandeMQ 2.0 and may hold record kind 40") !=
        std::string::npos);
}

TEST_CASE("a record that this program does not know in its own journal stops it, nothing is lost") {
  DriverPair pair([](ReplicatorConfig& config) {
    config.known = features_with({{kFirstUserKind, 1}, {40, 1}}, 1);
  });
  pair.pair_up();
  pair.a.replicator->append(40, "new");
  pair.a.replicator->end_of_turn();
  pair.run_for(50);
  pair.kill(pair.a);
  // Without the note of what was agreed.
  std::filesystem::remove(pair.folder / "a" / "meta.json");
  const Features newer = pair.a.config.known;
  pair.a.config.known = pair.a.config.baseline;
  const Status refused = pair.try_start(pair.a);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == 2);
  CHECK(refused.error().message.find("is of kind 40") != std::string::npos);
  pair.a.config.known = newer;
  CHECK(pair.try_start(pair.a));
}
