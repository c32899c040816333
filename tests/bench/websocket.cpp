#include "tests/bench/websocket.h"

#include <algorithm>
#include <cstring>

namespace tandemq::bench {
namespace {

constexpr std::uint8_t last_binary = 0x82;
constexpr std::uint8_t masked = 0x80;
constexpr std::uint8_t control = 0x08;
constexpr std::uint8_t two_bytes = 126;
constexpr std::uint8_t eight_bytes = 127;

std::size_t size_bytes(std::uint8_t length) {
  return length == eight_bytes ? 8 : length == two_bytes ? 2 : 0;
}

}  // namespace

std::string WebSocket::request(const std::string& host) {
  return "GET /mqtt HTTP/1.1\r\nHost: " + host +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGFuZGVtcS1iZW5jaC0wMQ==\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Protocol: mqtt\r\n\r\n";
}

WebSocket::Answer WebSocket::read_answer(std::string_view text) {
  if (text.find("\r\n\r\n") == text.npos) return Answer::need_more;
  return text.starts_with("HTTP/1.1 101") ? Answer::accepted : Answer::refused;
}

std::string WebSocket::header(std::size_t size) {
  const std::uint8_t length = size < two_bytes ? static_cast<std::uint8_t>(size)
                              : size <= 0xffff ? two_bytes
                                               : eight_bytes;
  std::string out{static_cast<char>(last_binary), static_cast<char>(masked | length)};
  for (std::size_t byte = size_bytes(length); byte-- > 0;) {
    out += static_cast<char>(size >> (8 * byte));
  }
  return out.append(4, '\0');
}

void WebSocket::read_header(char byte) {
  head_ += byte;
  if (head_.size() < 2) return;
  const auto at = [this](std::size_t i) { return static_cast<std::uint8_t>(head_[i]); };
  const std::size_t more = size_bytes(at(1));
  if (head_.size() < 2 + more) return;
  left_ = more ? 0 : at(1);
  for (std::size_t i = 0; i < more; ++i) left_ = left_ << 8 | at(2 + i);
  carries_mqtt_ = !(at(0) & control);
  head_.clear();
}

std::size_t WebSocket::unframe(char* data, std::size_t size) {
  std::size_t kept = 0;
  for (std::size_t at = 0; at < size;) {
    if (left_ == 0) {
      read_header(data[at++]);
      continue;
    }
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left_, size - at));
    if (carries_mqtt_) {
      std::memmove(data + kept, data + at, part);
      kept += part;
    }
    at += part;
    left_ -= part;
  }
  return kept;
}

}  // namespace tandemq::bench
