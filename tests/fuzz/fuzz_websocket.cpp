// A WebSocket connection that gets whatever comes, in pieces: the first byte says how large. What
// is heard is never more than was said, and the answers have a bound.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "broker/base/check.h"
#include "broker/net/websocket_transport.h"
#include "tests/fuzz/reading_user.h"
#include "tests/support/memory_transport.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandemq;
  if (size == 0) return 0;
  const std::string said(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = data[0] == 0 ? size : data[0];
  const net::WebSocketSettings settings{true, "", {}};
  const net::WebSocketTransport::Failed failed = [](const std::string&, const std::string& why) {
    TMQ_CHECK(!why.empty());
  };
  auto wire = std::make_shared<test::MemoryWire>();
  test::MemoryNet net;
  net::WebSocketTransport transport(net.connect(wire), settings, failed);
  test::ReadingUser user(transport);
  for (std::size_t at = 0; at < said.size() && !user.ended; at += piece) {
    wire->to_broker += said.substr(at, piece);
    for (int i = 0; i < 4 && !user.ended && net.deliver(); ++i) {
    }
  }
  TMQ_CHECK(user.heard.size() <= said.size());
  TMQ_CHECK(wire->from_broker.size() <= 1024 + said.size());
  return 0;
}
