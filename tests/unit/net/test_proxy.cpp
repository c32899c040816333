// The PROXY header, and what stands behind it.
#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "broker/net/proxy_header.h"
#include "broker/net/proxy_transport.h"
#include "tests/support/memory_transport.h"

using namespace tandemq;
using namespace tandemq::test;
using net::Io;
using net::ProxyHeader;
using net::read_proxy_header;
using Verdict = net::ProxyHeader::Verdict;

namespace {

std::string binary(int command, int family, const std::string& body) {
  std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
  out += static_cast<char>(command);
  out += static_cast<char>(family);
  out += static_cast<char>(body.size() >> 8);
  out += static_cast<char>(body.size() & 0xff);
  return out + body;
}

const std::string kV4("\x0a\0\0\x05\x0a\0\0\x01\xc3\x50\x07\x5b", 12);  // 10.0.0.5:50000

struct Rig final : net::TransportUser {
  std::shared_ptr<MemoryWire> wire = std::make_shared<MemoryWire>();
  MemoryNet net;
  std::string failure;
  net::ProxyTransport::Failed failed = [this](const std::string& address, const std::string& why) {
    CHECK(address == "memory:1");
    failure = why;
  };
  std::unique_ptr<net::ProxyTransport> server;
  std::string heard;
  bool ended = false;

  Rig() {
    server = std::make_unique<net::ProxyTransport>(net.connect(wire), failed);
    server->attach(*this);
    server->want({true, false, false});
  }
  void transport_ready(net::Ready what) override {
    if (!what.read) return;
    char buffer[3];
    do {
      const net::IoResult got = server->read(buffer, sizeof buffer);
      if (got.io == Io::done) heard.append(buffer, got.size);
      if (got.io == Io::ended) ended = true;
    } while (server->pending());
  }
  void say(const std::string& bytes) {
    wire->to_broker += bytes;
    for (int i = 0; i < 100 && net.deliver(); ++i) {
    }
  }
};

}  // namespace

TEST_CASE("headers of both versions say where the client is") {
  const auto address = [](const std::string& header) {
    const ProxyHeader read = read_proxy_header(header + "more");
    CHECK(read.verdict == Verdict::accepted);
    CHECK(read.size == header.size());
    return read.address;
  };
  CHECK(address("PROXY TCP4 10.0.0.5 10.0.0.1 50000 1883\r\n") == "10.0.0.5:50000");
  CHECK(address("PROXY TCP6 fd00::5 fd00::1 50000 1883\r\n") == "[fd00::5]:50000");
  CHECK(address("PROXY UNKNOWN\r\n").empty());
  CHECK(address("PROXY UNKNOWN ffff:: ffff:: 1 2\r\n").empty());
  CHECK(address(binary(0x21, 0x11, kV4)) == "10.0.0.5:50000");
  CHECK(address(binary(0x21, 0x11, kV4 + "tlvs of any kind")) == "10.0.0.5:50000");
  const std::string v6 = "\xfd" + std::string(14, '\0') + "\5" + std::string(16, '\0');
  CHECK(address(binary(0x21, 0x21, v6 + std::string("\xc3\x50\0\1", 4))) == "[fd00::5]:50000");
  CHECK(address(binary(0x20, 0, "")).empty());  // LOCAL
  CHECK(address(binary(0x21, 0x31, std::string(216, 'x'))).empty());
}

TEST_CASE("every beginning of a header waits for more; what is none is refused") {
  for (const std::string& header :
       {std::string("PROXY TCP4 10.0.0.5 10.0.0.1 50000 1883\r\n"), binary(0x21, 0x11, kV4)}) {
    for (std::size_t size = 0; size < header.size(); ++size) {
      CHECK(read_proxy_header(header.substr(0, size)).verdict == Verdict::need_more);
    }
  }
  for (const std::string& bad :
       {std::string("GET / HTTP/1.1"), std::string("\x10\x0c"), std::string("PROXX"),
        std::string("PROXY TCP4 10.0.0.5 10.0.0.1 50000\r\n"),
        std::string("PROXY TCP4 fd00::5 10.0.0.1 1 2\r\n"),
        std::string("PROXY TCP4 10.0.0.5 10.0.0.1 70000 1883\r\n"),
        std::string("PROXY TCP4 10.0.0.5 10.0.0.1 1 2 3\r\n"), std::string("PROXY UDP4 1\r\n"),
        "PROXY UNKNOWN " + std::string(107, 'x'), binary(0x11, 0x11, kV4), binary(0x22, 0x11, kV4),
        binary(0x21, 0x11, "short"), binary(0x21, 0x21, kV4),
        binary(0x21, 0x11, std::string(5'000, 'x'))}) {
    CAPTURE(bad);
    CHECK(read_proxy_header(bad).verdict == Verdict::refused);
  }
}

TEST_CASE("behind the header come the client's bytes, under its address") {
  for (const bool at_once : {true, false}) {
    Rig rig;
    const std::string all = "PROXY TCP4 10.0.0.5 10.0.0.1 50000 1883\r\nhello";
    if (at_once) rig.say(all);
    for (const char c : at_once ? std::string() : all) rig.say(std::string(1, c));
    CHECK(rig.heard == "hello");
    CHECK(rig.server->peer_address() == "10.0.0.5:50000");
    rig.say(" again");
    CHECK(rig.heard == "hello again");
    CHECK(rig.server->write("x").io == Io::done);
    CHECK(rig.failure.empty());
  }
}

TEST_CASE("without a header nothing is heard, and it is told why") {
  Rig rig;
  SUBCASE("something else") {
    rig.say(std::string("\x10\x0c\0\4MQTT", 8));
    CHECK(rig.failure == "there is no PROXY header");
  }
  SUBCASE("half of one") {
    rig.say("PROXY TCP4 10.0");
    CHECK_FALSE(rig.ended);
    rig.wire->peer_closed = true;
    rig.say("");
    CHECK(rig.failure == "it closed before the PROXY header was whole");
  }
  CHECK(rig.ended);
  CHECK(rig.heard.empty());
  CHECK(rig.wire->shut);
}
