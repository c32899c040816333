// A WebSocket connection that gets whatever comes, in pieces: the first byte says how large. What
// is heard is never more than was said, and the answers have a bound.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "broker/base/check.h"
#include "broker/net/websocket_transport.h"
#include "tests/support/memory_transport.h"

namespace {

using namespace tandemq;

struct User final : net::TransportUser {
  net::WebSocketTransport* transport = nullptr;
  std::size_t heard = 0;
  bool ended = false;

  void transport_ready(net::Ready what) override {
    if (!what.read) return;
    char buffer[64];
    do {
      const net::IoResult got = transport->read(buffer, sizeof buffer);
      heard += got.size;
      ended = got.io == net::Io::ended;
    } while (!ended && transport->pending());
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string said(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = data[0] == 0 ? size : data[0];
  const net::WebSocketSettings settings{true, "", {}};
  const net::WebSocketTransport::Failed failed = [](const std::string&, const std::string& why) {
    TMQ_CHECK(!why.empty());
  };
  auto wire = std::make_shared<test::MemoryWire>();
  test::MemoryNet net;
  User user;
  net::WebSocketTransport transport(net.connect(wire), settings, failed);
  user.transport = &transport;
  transport.attach(user);
  transport.want({true, false, false});
  for (std::size_t at = 0; at < said.size() && !user.ended; at += piece) {
    wire->to_broker += said.substr(at, piece);
    for (int i = 0; i < 4 && !user.ended && net.deliver(); ++i) {
    }
  }
  TMQ_CHECK(user.heard <= said.size());
  TMQ_CHECK(wire->from_broker.size() <= 1024 + said.size());
  return 0;
}
