// TLS over a transport in memory: handshakes, records, ends.
#include "broker/support/turn.h"
#include "tests/unit/net/tls_rig.h"

using namespace tandemq;
using namespace tandemq::test;
using net::Io;

namespace {

TlsClient::Way trusting() {
  TlsClient::Way way;
  way.cafile = TlsFiles::get().pki.cafile();
  return way;
}

}  // namespace

TEST_CASE("a handshake that comes byte by byte, then text both ways") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsNode node(TlsFiles::get().settings());
    TlsClient::Way way = trusting();
    way.version_max = version;
    way.protocol = "mqtt";
    TlsRig rig(node, way);
    rig.exchange(1);
    REQUIRE(rig.client.shaken());
    CHECK(rig.client.protocol() == "mqtt");
    CHECK(rig.handshakes.counters.full == 1);
    CHECK(rig.server->write("welcome").size == 7);
    rig.client.say("hello");
    rig.exchange(1);
    CHECK(rig.heard == "hello");
    CHECK(rig.client.heard() == "welcome");
    CHECK(rig.failure.empty());
    CHECK_FALSE(rig.ended);
  }
}

TEST_CASE("half a record is nothing yet, and does not count as pending") {
  TlsNode node(TlsFiles::get().settings());
  TlsRig rig(node, trusting());
  rig.exchange();
  rig.client.say("hello");
  rig.client.exchange(9);
  rig.net.deliver();
  CHECK(rig.heard.empty());
  CHECK_FALSE(rig.server->pending());
  rig.exchange();
  CHECK(rig.heard == "hello");
}

TEST_CASE("what is left of a record is pending, and several records come in one read") {
  TlsNode node(TlsFiles::get().settings());
  TlsRig rig(node, trusting());
  rig.exchange();
  rig.server->want({});
  rig.client.say("hello");
  rig.client.exchange();
  rig.client.say("again");
  rig.client.exchange();
  char buffer[100];
  CHECK(rig.server->read(buffer, 3).size == 3);
  CHECK(rig.server->pending());
  CHECK(rig.server->read(buffer, sizeof buffer).size == 7);
  CHECK(std::string_view(buffer, 7) == "loagain");
  CHECK_FALSE(rig.server->pending());
  CHECK(rig.server->read(buffer, sizeof buffer).io == Io::later);
}

TEST_CASE("what the client says with the end of its handshake is told") {
  TlsNode node(TlsFiles::get().settings());
  TlsRig rig(node, trusting());
  rig.client.say("at once");
  rig.client.exchange();
  rig.net.deliver();
  rig.handshakes.run();
  rig.client.exchange();  // its last words of the handshake, and the first of its own
  rig.net.deliver();
  rig.handshakes.run();
  CHECK(rig.heard == "at once");
}

TEST_CASE("a handshake whose answer finds no room goes on when there is some") {
  TlsNode node(TlsFiles::get().settings());
  TlsRig rig(node, trusting());
  rig.wire->room = 40;
  rig.exchange();
  CHECK(rig.client.shaken());
  CHECK(rig.handshakes.counters.full == 1);
  const std::string long_text(100'000, 'x');
  std::size_t written = 0;
  for (int i = 0; i < 10'000 && written < long_text.size(); ++i) {
    const net::IoResult put = rig.server->write(std::string_view(long_text).substr(written));
    REQUIRE(put.io != Io::ended);
    written += put.size;
    rig.exchange();
  }
  rig.exchange();
  CHECK(rig.client.heard() == long_text);
}

TEST_CASE("a client that stops reading is still heard") {
  TlsNode node(TlsFiles::get().settings());
  TlsRig rig(node, trusting());
  rig.exchange();
  rig.wire->room = 100;
  CHECK(rig.server->write(std::string(50'000, 'x')).size < 50'000);
  rig.server->want({true, true, false});
  rig.client.say("still here");
  while (rig.heard.empty()) {
    const std::string full = rig.wire->from_broker;
    rig.wire->from_broker.clear();
    rig.client.exchange();
    rig.wire->from_broker = full;
    REQUIRE(rig.net.deliver());
  }
  CHECK(rig.heard == "still here");
}

TEST_CASE("new keys in the middle of a connection") {
  TlsNode node(TlsFiles::get().settings());
  TlsRig rig(node, trusting());
  rig.exchange();
  rig.client.update_keys();
  rig.client.say("with new keys");
  rig.exchange();
  rig.server->write("as well");
  rig.exchange();
  CHECK(rig.heard == "with new keys");
  CHECK(rig.client.heard() == "as well");
}

TEST_CASE("either end may close, and the other hears it") {
  TlsNode node(TlsFiles::get().settings());
  SUBCASE("the broker: what comes is still read") {
    TlsRig rig(node, trusting());
    rig.exchange();
    rig.server->shut();
    CHECK(rig.wire->shut);
    rig.client.say("late");
    rig.exchange();
    CHECK(rig.client.closed());
    CHECK(rig.heard == "late");
  }
  SUBCASE("the client, in good order and after last words") {
    TlsRig rig(node, trusting());
    rig.exchange();
    rig.client.say("bye");
    rig.client.exchange();
    rig.client.close();
    rig.exchange();
    CHECK(rig.heard == "bye");
    CHECK(rig.ended);
    CHECK(rig.failure.empty());
  }
  SUBCASE("the client, without a word") {
    TlsRig rig(node, trusting());
    rig.exchange();
    rig.wire->peer_closed = true;
    rig.exchange();
    CHECK(rig.ended);
    CHECK(rig.failure.empty());
  }
}

TEST_CASE("what is no TLS, or is broken, ends with a reason in words, told once") {
  TlsNode node(TlsFiles::get().settings());
  TlsRig rig(node, trusting());
  SUBCASE("plain MQTT") {
    rig.wire->to_broker = std::string("\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", 14);
    rig.net.deliver();
    rig.handshakes.run();
    CHECK(rig.failure == "wrong version number");
  }
  SUBCASE("a browser that was not told of TLS") {
    rig.wire->to_broker = "GET / HTTP/1.1\r\n\r\n";
    rig.net.deliver();
    rig.handshakes.run();
    CHECK(rig.failure == "http request");
  }
  SUBCASE("a handshake cut off") {
    rig.client.exchange(100);
    rig.net.deliver();
    rig.handshakes.run();
    rig.wire->peer_closed = true;
    rig.net.deliver();
    rig.handshakes.run();
    CHECK(rig.failure == "the client closed in the middle of the handshake");
  }
  SUBCASE("a byte that changed on the way") {
    rig.exchange();
    rig.client.say("hello");
    rig.client.exchange();
    rig.wire->to_broker.back() ^= 1;
    rig.net.deliver();
    CHECK(rig.failure == "decryption failed or bad record mac");
    CHECK(rig.handshakes.counters.failed == 0);
  }
  CHECK(rig.ended);
  CHECK(rig.server->write("x").io == Io::ended);
}

TEST_CASE("versions and protocols that are not ours are refused") {
  TlsClient::Way way = trusting();
  net::TlsSettings settings = TlsFiles::get().settings();
  SUBCASE("TLS 1.1") {
    way.version_max = TLS1_1_VERSION;
  }
  SUBCASE("TLS 1.2 where 1.3 is the least") {
    settings.tls_version = "tlsv1.3";
    way.version_max = TLS1_2_VERSION;
  }
  SUBCASE("HTTP/2") {
    way.protocol = "h2";
  }
  TlsNode node(settings);
  TlsRig rig(node, way);
  rig.exchange();
  CHECK_FALSE(rig.failure.empty());
  rig.client.exchange();
  CHECK(rig.client.failed());
  CHECK(rig.handshakes.counters.failed == 1);
}

TEST_CASE("a transport that goes away in the middle of its handshake is forgotten") {
  TlsNode node(TlsFiles::get().settings());
  TlsRig rig(node, trusting());
  rig.client.exchange();
  rig.net.deliver();
  CHECK_FALSE(rig.handshakes.empty());
  rig.server.reset();
  CHECK(rig.handshakes.empty());
  rig.handshakes.run();
}

TEST_CASE("a turn gives handshakes a share and leaves the others for the next") {
  struct Slow final : net::Handshaker {
    int* done;
    void handshake() override {
      const std::uint64_t until = monotonic_ns() + 1'000'000;
      while (monotonic_ns() < until) {
      }
      ++*done;
    }
  };
  int turns_begun = 0, done = 0;
  net::Handshakes handshakes(nullptr, [&] { ++turns_begun; });
  Slow many[20];
  for (Slow& one : many) {
    one.done = &done;
    handshakes.add(one, false);
  }
  handshakes.run();
  CHECK(done >= 1);
  CHECK(done <= 3);
  CHECK(turns_begun == 1);
  while (!handshakes.empty()) handshakes.run();
  CHECK(done == 20);
}

TEST_CASE("who has begun a handshake does not stand behind those who have not") {
  struct Noted final : net::Handshaker {
    int number;
    std::vector<int>* order;
    void handshake() override { order->push_back(number); }
  };
  std::vector<int> order;
  net::Handshakes handshakes(nullptr, nullptr);
  Noted four[4];
  for (int i = 0; i < 4; ++i) {
    four[i].number = i;
    four[i].order = &order;
    handshakes.add(four[i], i >= 2);
  }
  handshakes.remove(four[0]);
  while (!handshakes.empty()) handshakes.run();
  CHECK(order == std::vector<int>{2, 3, 1});
}

TEST_CASE("no arithmetic is done for a connection that was given up while it waited") {
  TlsNode node(TlsFiles::get().settings());
  TlsRig rig(node, trusting());
  rig.client.exchange();
  rig.net.deliver();
  rig.server->shut();
  rig.handshakes.run();
  CHECK(rig.handshakes.counters.failed == 1);
  rig.exchange();
  CHECK_FALSE(rig.client.shaken());
}
