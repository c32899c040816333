// What a proxy says before the bytes of a client: where the client really is. PROXY protocol,
// versions 1 and 2 (HAProxy's specification of 2020). Pure: bytes in, verdict out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tandemq::net {

// Longer headers are refused: addresses take 216 bytes at most, and nobody here reads the rest.
constexpr std::size_t kProxyHeaderMax = 4096;

struct ProxyHeader {
  enum class Verdict : std::uint8_t { need_more, accepted, refused };
  Verdict verdict = Verdict::need_more;
  std::size_t size = 0;  // of the header; what is behind it is the client's
  std::string address;   // as Transport::peer_address; empty: the proxy's own connection
  const char* reason = "";
};

ProxyHeader read_proxy_header(std::string_view bytes);

}  // namespace tandemq::net
