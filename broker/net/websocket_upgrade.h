// The HTTP request that turns a connection into a WebSocket (RFC 6455, 4.2), read and answered; for
// MQTT (MQTT 5.0, 6). Pure: text in, answer out. Nothing else of HTTP is understood.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tandemq::net {

struct WebSocketSettings {
  bool on = false;
  std::string path;                  // the only one that is served; empty: any
  std::vector<std::string> origins;  // of whose pages browsers may connect, "*": of any
  bool any_origin = true;            // where none is named
};

constexpr std::size_t kUpgradeSizeMax = 8 << 10;

struct Upgrade {
  enum class Verdict : std::uint8_t { need_more, accepted, refused };
  Verdict verdict = Verdict::need_more;
  std::size_t size = 0;  // of the request; what is behind it is WebSocket already
  std::string answer;    // to be sent; after a refusal the connection ends
  std::string reason;    // of the refusal
};

Upgrade read_upgrade(std::string_view text, const WebSocketSettings& settings);

}  // namespace tandemq::net
