#include "broker/net/proxy_header.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace tandemq::net {
namespace {

using Verdict = ProxyHeader::Verdict;

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);  // version 2, section 2.2
constexpr std::string_view kWord = "PROXY ";                        // version 1, section 2.1
constexpr std::size_t kLineMax = 107;
constexpr std::size_t kFixedSize = 16;

ProxyHeader refused(const char* reason) {
  return {Verdict::refused, 0, {}, reason};
}

std::string shown(int family, const void* address, unsigned port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!inet_ntop(family, address, text.data(), text.size())) return {};
  const std::string host = text.data();
  return (family == AF_INET6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool begins_alike(std::string_view bytes, std::string_view with) {
  const std::size_t size = std::min(bytes.size(), with.size());
  return bytes.substr(0, size) == with.substr(0, size);
}

std::string_view take_word(std::string_view& line) {
  const std::size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end == line.npos ? line.size() : end + 1);
  return word;
}

bool read_port(std::string_view text, unsigned& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port <= 0xffff;
}

ProxyHeader read_line(std::string_view bytes) {
  constexpr const char* kWrong = "the PROXY line is malformed";
  const std::size_t end = bytes.substr(0, kLineMax).find("\r\n");
  if (end == bytes.npos) {
    if (bytes.size() >= kLineMax) return refused("the PROXY line has no end within 107 bytes");
    return {};
  }
  std::string_view line = bytes.substr(kWord.size(), end - kWord.size());
  const std::size_t size = end + 2;
  const std::string_view protocol = take_word(line);
  if (protocol == "UNKNOWN") return {Verdict::accepted, size, {}, ""};
  if (protocol != "TCP4" && protocol != "TCP6") return refused(kWrong);
  const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
  unsigned char source[16];
  unsigned char target[16];
  const std::string from(take_word(line));
  const std::string to(take_word(line));
  unsigned from_port = 0;
  unsigned to_port = 0;
  const bool good = inet_pton(family, from.c_str(), source) == 1 &&
                    inet_pton(family, to.c_str(), target) == 1 &&
                    read_port(take_word(line), from_port) && read_port(line, to_port);
  if (!good) return refused(kWrong);
  return {Verdict::accepted, size, shown(family, source, from_port), ""};
}

unsigned u16(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned>(static_cast<unsigned char>(bytes[at]) << 8 |
                               static_cast<unsigned char>(bytes[at + 1]));
}

ProxyHeader read_binary(std::string_view bytes) {
  if (bytes.size() < kFixedSize) return {};
  const auto command = static_cast<unsigned char>(bytes[12]);
  const auto family = static_cast<unsigned char>(bytes[13]);
  const std::size_t length = u16(bytes, 14);
  if (command >> 4 != 2) return refused("the PROXY header's version is not 2");
  if ((command & 0xf) > 1) return refused("the PROXY header's command is neither LOCAL nor PROXY");
  if (kFixedSize + length > kProxyHeaderMax) return refused("the PROXY header is too long");
  if (bytes.size() < kFixedSize + length) return {};
  ProxyHeader out{Verdict::accepted, kFixedSize + length, {}, ""};
  const std::string_view body = bytes.substr(kFixedSize, length);
  if ((command & 0xf) == 0) return out;  // LOCAL: the proxy looks whether we are there
  if (family == 0x11) {
    if (length < 12) return refused("the PROXY header is shorter than its addresses");
    out.address = shown(AF_INET, body.data(), u16(body, 8));
  } else if (family == 0x21) {
    if (length < 36) return refused("the PROXY header is shorter than its addresses");
    out.address = shown(AF_INET6, body.data(), u16(body, 32));
  }
  return out;  // of other families nothing is known
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view bytes) {
  if (bytes.size() >= kSignature.size() && bytes.starts_with(kSignature)) return read_binary(bytes);
  if (bytes.size() >= kWord.size() && bytes.starts_with(kWord)) return read_line(bytes);
  if (begins_alike(bytes, kSignature) || begins_alike(bytes, kWord)) return {};
  return refused("there is no PROXY header");
}

}  // namespace tandemq::net
