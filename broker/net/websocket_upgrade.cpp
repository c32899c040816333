#include "broker/net/websocket_upgrade.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cctype>
#include <optional>

namespace tandemq::net {
namespace {

constexpr std::size_t kKeySize = 24;  // 16 bytes in base64
constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string_view take_until(std::string_view& text, std::string_view end) {
  const std::size_t at = text.find(end);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == text.npos ? text.size() : at + end.size());
  return part;
}

struct Request {
  std::string_view method, target, version;
  std::string_view upgrade, key, websocket_version, origin, host;
  std::vector<std::string_view> connection, protocols;  // lists, of one header or several
};

void append_list(std::vector<std::string_view>& to, std::string_view value) {
  while (!value.empty()) to.push_back(trimmed(take_until(value, ",")));
}

// None for what is no HTTP. Headers that do not concern us are passed over.
std::optional<Request> parse(std::string_view head) {
  Request out;
  std::string_view line = take_until(head, "\r\n");
  out.method = take_until(line, " ");
  out.target = take_until(line, " ");
  out.version = line;
  if (out.target.empty() || !out.version.starts_with("HTTP/1.")) return {};
  while (!head.empty()) {
    line = take_until(head, "\r\n");
    const std::size_t colon = line.find(':');
    if (colon == line.npos || colon == 0) return {};
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (same(name, "upgrade")) out.upgrade = value;
    if (same(name, "connection")) append_list(out.connection, value);
    if (same(name, "sec-websocket-key")) out.key = value;
    if (same(name, "sec-websocket-version")) out.websocket_version = value;
    if (same(name, "sec-websocket-protocol")) append_list(out.protocols, value);
    if (same(name, "origin")) out.origin = value;
    if (same(name, "host")) out.host = value;
  }
  return out;
}

std::string accept_of(std::string_view key) {
  const std::string text = std::string(key) + std::string(kGuid);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  unsigned char out[EVP_MAX_MD_SIZE * 2];
  const int length = EVP_EncodeBlock(out, digest, static_cast<int>(size));
  return {reinterpret_cast<char*>(out), static_cast<std::size_t>(length)};
}

std::string_view chosen_protocol(const Request& request) {
  for (const std::string_view one : request.protocols) {
    if (one == "mqtt" || one == "mqttv3.1") return one;
  }
  return {};
}

bool has_upgrade(const Request& request) {
  return same(request.upgrade, "websocket") &&
         std::any_of(request.connection.begin(), request.connection.end(),
                     [](std::string_view one) { return same(one, "upgrade"); });
}

// Some programs name the broker itself as their origin (paho for Python). No page has that one: we
// serve none; only by a name of this host, for any other name may be led here by its owner.
bool names_ourselves(const Request& request) {
  std::string_view host = request.host;
  host = host.substr(0, host.rfind(':'));
  const bool here = same(host, "localhost") || host == "127.0.0.1" || host == "[::1]";
  return here && (same(request.origin, "https://" + std::string(request.host)) ||
                  same(request.origin, "http://" + std::string(request.host)));
}

// Browsers always name the origin of the page; a program that names none is no page.
bool may_come_from(const Request& request, const WebSocketSettings& settings) {
  const auto& named = settings.origins;
  const std::string_view origin = request.origin;
  if (named.empty()) return settings.any_origin || origin.empty() || names_ourselves(request);
  return std::any_of(named.begin(), named.end(),
                     [&](const std::string& one) { return one == "*" || same(one, origin); });
}

Upgrade refused(std::size_t size, const std::string& status, const std::string& reason,
                const std::string& header = {}) {
  const std::string body = reason + "\r\n";
  return {Upgrade::Verdict::refused, size,
          "HTTP/1.1 " + status + "\r\n" + header +
              "Content-Type: text/plain\r\nConnection: close\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body,
          reason};
}

Upgrade judge(const Request& request, std::size_t size, const WebSocketSettings& settings) {
  const std::string_view path = request.target.substr(0, request.target.find('?'));
  if (request.method != "GET") return refused(size, "405 Method Not Allowed", "only GET is served");
  if (!settings.path.empty() && path != settings.path) {
    return refused(size, "404 Not Found", "only " + settings.path + " is served");
  }
  if (!has_upgrade(request)) {
    return refused(size, "426 Upgrade Required", "this port speaks MQTT over WebSocket",
                   "Upgrade: websocket\r\n");
  }
  if (request.websocket_version != "13") {
    return refused(size, "426 Upgrade Required", "the version of WebSocket must be 13",
                   "Sec-WebSocket-Version: 13\r\n");
  }
  if (request.key.size() != kKeySize) {
    return refused(size, "400 Bad Request", "Sec-WebSocket-Key must be 16 bytes in base64");
  }
  if (!may_come_from(request, settings)) {
    return refused(size, "403 Forbidden", "the page's origin is not in websockets_origin");
  }
  const std::string_view protocol = chosen_protocol(request);
  if (protocol.empty()) {
    return refused(size, "400 Bad Request", "Sec-WebSocket-Protocol must offer mqtt");
  }
  return {Upgrade::Verdict::accepted,
          size,
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Accept: " +
              accept_of(request.key) + "\r\nSec-WebSocket-Protocol: " + std::string(protocol) +
              "\r\n\r\n",
          {}};
}

}  // namespace

Upgrade read_upgrade(std::string_view text, const WebSocketSettings& settings) {
  // What cannot become a request is not waited for: a client of plain MQTT would wait as well.
  constexpr std::string_view kGet = "GET ";
  const std::string_view start = text.substr(0, kGet.size());
  const std::size_t end = text.find("\r\n\r\n");
  if (end == text.npos || end > kUpgradeSizeMax) {
    if (text.size() > kUpgradeSizeMax) {
      return refused(text.size(), "431 Request Header Fields Too Large",
                     "a request has 8 KiB at most");
    }
    const bool letters = std::all_of(start.begin(), start.end(),
                                     [](unsigned char c) { return std::isupper(c) || c == ' '; });
    if (!letters) return refused(text.size(), "400 Bad Request", "this is no HTTP request");
    return {};
  }
  const std::optional<Request> request = parse(text.substr(0, end));
  if (!request) return refused(end + 4, "400 Bad Request", "this is no HTTP request");
  return judge(*request, end + 4, settings);
}

}  // namespace tandemq::net
