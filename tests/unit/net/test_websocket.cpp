// WebSocket over a transport in memory: the request, frames of all sorts, ends.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "broker/net/websocket_transport.h"
#include "tests/support/memory_transport.h"

using namespace tandemq;
using namespace tandemq::test;
using net::Io;
using net::read_upgrade;
using Verdict = net::Upgrade::Verdict;

namespace {

// The request of RFC 6455, 1.3, for MQTT.
std::string request(const std::string& more = {}, const std::string& path = "/mqtt") {
  return "GET " + path +
         " HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: WebSocket\r\n"
         "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat, mqtt\r\n" +
         more + "\r\n";
}

constexpr int kText = 1, kBinary = 2, kContinued = 0, kClose = 8, kPing = 9;

// A client's frame, masked.
std::string frame(int opcode, const std::string& payload, bool last = true) {
  std::string out{static_cast<char>(opcode | (last ? 0x80 : 0))};
  const std::size_t size = payload.size();
  if (size < 126) {
    out += static_cast<char>(0x80 | size);
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(size >> 8);
    out += static_cast<char>(size & 0xff);
  }
  const char mask[] = {1, 2, 3, 4};
  out.append(mask, 4);
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(payload[i] ^ mask[i % 4]);
  return out;
}

struct Rig final : net::TransportUser {
  net::WebSocketSettings settings{true, "", {}};
  std::shared_ptr<MemoryWire> wire = std::make_shared<MemoryWire>();
  MemoryNet net;
  std::string failure;
  net::WebSocketTransport::Failed failed = [this](const std::string&, const std::string& why) {
    CHECK(failure.empty());  // told once
    failure = why;
  };
  std::unique_ptr<net::WebSocketTransport> server;
  std::string heard;
  bool ended = false;

  Rig() {
    server = std::make_unique<net::WebSocketTransport>(net.connect(wire), settings, failed);
    server->attach(*this);
    server->want({true, false, false});
  }
  void transport_ready(net::Ready what) override {
    if (what.read) read_all();
  }
  void read_all() {
    char buffer[100];
    do {
      const net::IoResult got = server->read(buffer, sizeof buffer);
      if (got.io == Io::done) heard.append(buffer, got.size);
      if (got.io == Io::ended) ended = true;
    } while (server->pending());
  }
  void say(const std::string& bytes) {
    wire->to_broker += bytes;
    for (int i = 0; i < 10 && net.deliver(); ++i) {
    }
  }
  std::string answer() { return std::exchange(wire->from_broker, {}); }
  void open() {
    say(request());
    REQUIRE(answer().starts_with("HTTP/1.1 101 "));
  }
};

}  // namespace

TEST_CASE("the request of the standard is answered as there") {  // [5:6.0.0-4 3:6.0.0-4]
  const net::Upgrade got = read_upgrade(request() + "behind", {});
  CHECK(got.verdict == Verdict::accepted);
  CHECK(got.size == request().size());
  CHECK(got.answer.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") !=
        got.answer.npos);
  CHECK(got.answer.find("Sec-WebSocket-Protocol: mqtt\r\n") != got.answer.npos);
  for (std::size_t size = 0; size < request().size(); ++size) {
    CHECK(read_upgrade(request().substr(0, size), {}).verdict == Verdict::need_more);
  }
}

TEST_CASE("what is no request for MQTT over WebSocket is refused by its status") {
  const auto status = [](std::string text, const net::WebSocketSettings& settings = {}) {
    const net::Upgrade got = read_upgrade(text, settings);
    CHECK(got.verdict == Verdict::refused);
    CHECK_FALSE(got.reason.empty());
    return got.answer.substr(9, 3);
  };
  const auto without = [](const std::string& line, const std::string& instead = {}) {
    std::string text = request();
    const std::size_t at = text.find(line);
    REQUIRE(at != text.npos);
    return text.replace(at, text.find("\r\n", at) + 2 - at, instead);
  };
  CHECK(status("POST" + request().substr(3)) == "405");
  CHECK(status(request(), {true, "/other", {}}) == "404");
  CHECK(read_upgrade(request("", "/mqtt?x=1"), {true, "/mqtt", {}}).verdict == Verdict::accepted);
  CHECK(status(without("Upgrade: ")) == "426");
  CHECK(status(without("Connection: ")) == "426");
  CHECK(status(without("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8\r\n")) == "426");
  CHECK(status(without("Sec-WebSocket-Key")) == "400");
  CHECK(status(without("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: chat\r\n")) == "400");
  CHECK(status(without("Host: ", "no colon\r\n")) == "400");
  CHECK(status("\x10\x0c") == "400");
  CHECK(status("GET /\r\n\r\n") == "400");
  CHECK(status("GET / HTTP/1.1\r\nX: " + std::string(9'000, 'x')) == "431");
}

TEST_CASE("origins: those that are listed, and any where none is") {
  const net::WebSocketSettings settings{true, "", {"https://plant.example"}};
  const auto verdict = [&](const std::string& more) {
    return read_upgrade(request(more), settings).verdict;
  };
  CHECK(verdict("Origin: https://plant.example\r\n") == Verdict::accepted);
  CHECK(verdict("Origin: https://evil.example\r\n") == Verdict::refused);
  CHECK(verdict("") == Verdict::refused);
  CHECK(read_upgrade(request("Origin: https://evil.example\r\n"), {}).verdict == Verdict::accepted);
  net::WebSocketSettings inward{true, "", {}, false};
  CHECK(read_upgrade(request("Origin: https://evil.example\r\n"), inward).verdict ==
        Verdict::refused);
  // The last of several Host headers counts.
  const auto from = [&](const std::string& host, const std::string& origin) {
    return read_upgrade(request("Host: " + host + "\r\nOrigin: " + origin + "\r\n"), inward)
        .verdict;
  };
  CHECK(from("127.0.0.1:8083", "https://127.0.0.1:8083") == Verdict::accepted);
  CHECK(from("localhost:8083", "http://localhost:8083") == Verdict::accepted);
  CHECK(from("localhost:8083", "http://localhost:8000") == Verdict::refused);
  CHECK(from("evil.example:8083", "http://evil.example:8083") == Verdict::refused);
  CHECK(read_upgrade(request(), inward).verdict == Verdict::accepted);
  inward.origins = {"*"};
  CHECK(read_upgrade(request("Origin: https://evil.example\r\n"), inward).verdict ==
        Verdict::accepted);
}

TEST_CASE("frames carry bytes: fragmented, coalesced, byte by byte, long, empty") {
  // [5:6.0.0-2 3:6.0.0-2]
  Rig rig;
  const std::string request_text = request();
  for (const char c : request_text) rig.say(std::string(1, c));
  CHECK(rig.answer().starts_with("HTTP/1.1 101 "));
  rig.say(frame(kBinary, "a"));
  rig.say(frame(kBinary, "b", false) + frame(kPing, "hi") + frame(kContinued, "c", false) +
          frame(kContinued, "d") + frame(kBinary, "e"));
  CHECK(rig.heard == "abcde");
  CHECK(rig.answer() == std::string("\x8a\x02hi"));  // pong
  const std::string whole = frame(kBinary, "slow");
  for (const char c : whole) rig.say(std::string(1, c));
  rig.say(frame(kBinary, ""));
  const std::string long_text(60'000, 'x');
  rig.say(frame(kBinary, long_text));
  CHECK(rig.heard == "abcdeslow" + long_text);
  CHECK(rig.server->write("answer").size == 6);
  CHECK(rig.answer() ==
        "\x82\x06"
        "answer");
  CHECK(rig.failure.empty());
}

TEST_CASE("what comes behind the request at once is heard") {
  Rig rig;
  rig.say(request() + frame(kBinary, "early"));
  CHECK(rig.heard == "early");
}

TEST_CASE("a slow reader gets frames whole, and takes no more than it has room for") {
  Rig rig;
  rig.open();
  rig.wire->room = 1'000;
  const std::string text(200'000, 'x');
  std::size_t written = rig.server->write(text).size;
  CHECK(written < text.size());
  CHECK(rig.server->write("more").io == Io::later);
  std::string got;
  rig.server->want({true, true, false});
  for (int i = 0; i < 1'000 && written < text.size(); ++i) {
    got += rig.answer();
    rig.net.deliver();
    written += rig.server->write(std::string_view(text).substr(written)).size;
  }
  rig.server->shut();
  for (int i = 0; i < 1'000 && !rig.wire->shut; ++i) {
    got += rig.answer();
    rig.net.deliver();
  }
  got += rig.answer();
  CHECK(rig.wire->shut);
  CHECK(std::count(got.begin(), got.end(), 'x') == 200'000);
  CHECK(got.substr(got.size() - 4) == std::string("\x88\x02\x03\xe8", 4));  // close, 1000
}

TEST_CASE("pings to a client that reads nothing are not answered without end") {
  Rig rig;
  rig.open();
  rig.wire->room = 1;
  const std::string ping = frame(kPing, std::string(120, 'p'));
  for (int i = 0; i < 5'000; ++i) rig.wire->to_broker += ping;
  for (int i = 0; i < 10'000 && rig.net.deliver(); ++i) {
  }
  CHECK(rig.wire->to_broker.size() > 300'000);  // not read any more
  CHECK_FALSE(rig.server->pending());
  CHECK_FALSE(rig.ended);
}

TEST_CASE("what came with too many pings is heard when their answers have gone") {
  Rig rig;
  rig.open();
  rig.wire->room = 1;
  rig.wire->record = 1 << 20;  // the transport below has all of it, and tells of nothing more
  const std::string ping = frame(kPing, std::string(120, 'p'));
  for (int i = 0; i < 3'000; ++i) rig.wire->to_broker += ping;
  rig.wire->to_broker += frame(kBinary, "the end");
  for (int i = 0; i < 10'000 && rig.net.deliver(); ++i) {
  }
  CHECK(rig.wire->to_broker.empty());
  CHECK(rig.heard.empty());
  rig.wire->room = ~std::size_t{0};
  for (int i = 0; i < 10'000 && rig.net.deliver(); ++i) {
  }
  CHECK(rig.heard == "the end");
}

TEST_CASE("a client's close is answered; text and broken frames end with their codes") {
  // [5:6.0.0-1 3:6.0.0-1]
  Rig rig;
  rig.open();
  rig.say(frame(kBinary, "last"));
  std::string code;
  SUBCASE("close") {
    rig.say(frame(kClose, std::string("\x03\xe8", 2)));
    code = std::string("\x03\xe8", 2);
    CHECK(rig.failure.empty());
  }
  SUBCASE("text") {
    rig.say(frame(kText, "hello"));
    code = "\x03\xeb";
    CHECK(rig.failure == "a text frame: MQTT travels in binary ones");
  }
  SUBCASE("a frame that is not masked") {
    rig.say(std::string("\x82\x02hi", 4));
    code = "\x03\xea";
  }
  SUBCASE("a reserved bit") {
    rig.say("\xf2" + frame(kBinary, "hi").substr(1));
    code = "\x03\xea";
  }
  SUBCASE("a continuation of nothing") {
    rig.say(frame(kContinued, "hi"));
    code = "\x03\xea";
  }
  CHECK(rig.heard == "last");
  CHECK(rig.ended);
  const std::string answer = rig.answer();
  REQUIRE(answer.size() >= 4);
  CHECK(answer.substr(0, 1) == "\x88");
  CHECK(answer.substr(2, 2) == code);
}

TEST_CASE("a request that is refused is answered, and the connection ends") {
  Rig rig;
  rig.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(rig.answer().starts_with("HTTP/1.1 426 "));
  CHECK(rig.wire->shut);
  CHECK(rig.ended);
  CHECK(rig.failure == "this port speaks MQTT over WebSocket");
}

TEST_CASE("a client that goes in the middle is an end") {
  Rig rig;
  SUBCASE("of its request") {
    rig.say(request().substr(0, 50));
  }
  SUBCASE("of a frame") {
    rig.open();
    rig.say(frame(kBinary, "half").substr(0, 7));
  }
  rig.wire->peer_closed = true;
  for (int i = 0; i < 5 && !rig.ended; ++i) rig.net.deliver();
  CHECK(rig.ended);
}
