// A proxied connection that gets whatever comes, in pieces: the first byte says how large. What is
// heard is what stands behind a header that was accepted, and nothing without one.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "broker/base/check.h"
#include "broker/net/proxy_header.h"
#include "broker/net/proxy_transport.h"
#include "tests/fuzz/reading_user.h"
#include "tests/support/memory_transport.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandemq;
  if (size == 0) return 0;
  const std::string said(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = data[0] == 0 ? size : data[0];
  const net::ProxyTransport::Failed failed = [](const std::string&, const std::string& why) {
    TMQ_CHECK(!why.empty());
  };
  auto wire = std::make_shared<test::MemoryWire>();
  test::MemoryNet net;
  net::ProxyTransport transport(net.connect(wire), failed);
  test::ReadingUser user(transport);
  for (std::size_t at = 0; at < said.size() && !user.ended; at += piece) {
    wire->to_broker += said.substr(at, piece);
    while (!user.ended && net.deliver()) {
    }
  }
  const net::ProxyHeader whole = net::read_proxy_header(said);
  const bool accepted = whole.verdict == net::ProxyHeader::Verdict::accepted;
  TMQ_CHECK(user.heard == (accepted ? said.substr(whole.size) : std::string()));
  TMQ_CHECK(user.ended == (whole.verdict == net::ProxyHeader::Verdict::refused));
  return 0;
}
