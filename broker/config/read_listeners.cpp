#include "broker/config/read_listeners.h"

#include <algorithm>
#include <string_view>

namespace tandemq::broker {
namespace {

constexpr std::size_t kListenersMax = 64;
constexpr std::uint16_t kTlsPort = 8883;  // registered for MQTT over TLS

void read_tokens(ConfigReader& in, TokenSection& tokens) {
  in.text("jwt_jwks_file", tokens.keys_file);
  in.text("jwt_issuer", tokens.issuer);
  in.texts("jwt_audience", tokens.audience);
  in.text("jwt_username_claim", tokens.username_claim);
  in.text("jwt_rights_claim", tokens.rights_claim);
  in.number("jwt_leeway_s", tokens.leeway_s, 0, 3'600);
  in.flag("jwt_require_exp", tokens.require_exp);
  if (tokens.username_claim.empty()) {
    in.complain("jwt_username_claim", "must name the claim that is the user, as \"sub\"");
  }
  const bool some =
      !tokens.issuer.empty() || !tokens.audience.empty() || !tokens.rights_claim.empty();
  if (!tokens.on() && some) {
    in.complain("jwt_jwks_file",
                "must name the keys that tokens are signed with (a JSON Web Key Set): the other "
                "jwt_ keys mean nothing without it");
  }
}

bool names_a_host(std::string_view url) {
  const std::size_t begin = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  const std::string_view host = url.substr(begin, url.find_first_of("/?#", begin) - begin);
  return begin != 0 && !host.empty() && host.find('@') == host.npos &&
         url.find_first_of(" \t\"<>\\") == url.npos;
}

void read_http(ConfigReader& in, HttpSection& http) {
  in.text("http_auth_url", http.url);
  in.text("http_auth_header_file", http.header_file);
  in.text("http_auth_cafile", http.cafile);
  in.number("http_auth_timeout_ms", http.timeout_ms, 100, 9'000);  // a connection has 10 s
  in.number("http_auth_cache_s", http.cache_s, 0, 86'400);
  in.number("http_auth_requests_max", http.requests_max, 1, 64);
  if (http.on() && !names_a_host(http.url)) {
    in.complain("http_auth_url",
                "must be https:// or http:// with a host, as \"https://auth.example/mqtt\"; a user "
                "or a password belong into http_auth_header_file");
  }
  if (!http.on() && !(http.header_file.empty() && http.cafile.empty())) {
    in.complain("http_auth_url",
                "must name the server that is asked: the other http_auth_ keys mean nothing "
                "without it");
  }
}

void read_access(ConfigReader& in, AccessSection& access) {
  in.flag("allow_anonymous", access.allow_anonymous);
  in.text("password_file", access.password_file);
  in.flag("runtime_users", access.runtime_users);
  in.text("acl_file", access.acl_file);
  in.flag("acl_names_with_slash", access.acl_names_with_slash);
  in.flag("use_username_as_clientid", access.use_username_as_clientid);
  in.flag("slow_failed_logins", access.slow_failed_logins);
  read_tokens(in, access.tokens);
  read_http(in, access.http);
}

void check_tls(ConfigReader& in, const net::TlsSettings& tls) {
  if (tls.keyfile.size() != tls.certfile.size()) {
    in.complain("keyfile", "must name one file for each of certfile, in the same order");
  }
  const bool about_clients = tls.require_certificate || !tls.crlfile.empty() ||
                             tls.certificate_username != net::CertificateName::none;
  if (about_clients && !tls.asks_for_certificate()) {
    in.complain("cafile",
                "must name the authority that signs the clients' certificates (or capath "
                "a folder of them): require_certificate, crlfile and "
                "certificate_username ask for it");
  }
  if (!tls.on() && (tls.asks_for_certificate() || !tls.keyfile.empty())) {
    in.complain("certfile",
                "must name the server's own certificate: cafile, capath or keyfile "
                "mean nothing without it");
  }
}

void read_tls(ConfigReader& in, net::TlsSettings& tls) {
  in.texts("certfile", tls.certfile);
  in.texts("keyfile", tls.keyfile);
  in.text("cafile", tls.cafile);
  in.text("capath", tls.capath);
  in.text("crlfile", tls.crlfile);
  in.flag("require_certificate", tls.require_certificate);
  std::string name = "none";
  in.choice("certificate_username", name, {"none", "cn", "san", "subject"});
  tls.certificate_username = name == "cn"        ? net::CertificateName::common_name
                             : name == "san"     ? net::CertificateName::alternative_name
                             : name == "subject" ? net::CertificateName::subject
                                                 : net::CertificateName::none;
  in.choice("tls_version", tls.tls_version, {"tlsv1.2", "tlsv1.3"});
  in.text("ciphers", tls.ciphers);
  in.text("ciphersuites", tls.ciphersuites);
  check_tls(in, tls);
}

void read_web(ConfigReader& in, ListenerSection& one) {
  std::string protocol = "mqtt";
  in.choice("protocol", protocol, {"mqtt", "websockets"});
  one.web.on = protocol == "websockets";
  one.tls.under_http = one.web.on;
  in.text("websockets_path", one.web.path);
  in.texts("websockets_origin", one.web.origins);
  if (!one.web.path.empty() && one.web.path.front() != '/') {
    in.complain("websockets_path", "must begin with a slash, as \"/mqtt\"");
  }
}

void read_socket(ConfigReader& in, net::UnixSocket& socket) {
  in.text("socket_path", socket.path);
  std::string mode = "0660";
  in.text("socket_mode", mode);
  const bool octal = (mode.size() == 3 || (mode.size() == 4 && mode.front() == '0')) &&
                     mode.find_first_not_of("01234567") == mode.npos;
  if (!octal) return in.complain("socket_mode", "must be octal, as \"0660\"");
  socket.mode = static_cast<mode_t>(std::stoul(mode, nullptr, 8));
  in.text("socket_owner", socket.owner);
  in.text("socket_group", socket.group);
}

void read_proxy(ConfigReader& in, net::ProxySettings& proxy) {
  std::vector<std::string> from;
  in.texts("proxy_protocol_from", from);
  for (const std::string& one : from) {
    if (one == "unix") {
      proxy.from_unix = true;
      continue;
    }
    Result<AddressRange> range = AddressRange::parse(one);
    if (!range) return in.complain("proxy_protocol_from", range.error().message);
    proxy.from.push_back(std::move(range).value());
  }
}

void check_socket(ConfigReader& in, const ListenerSection& one,
                  const std::vector<ListenerSection>& before) {
  const bool taken = std::any_of(before.begin(), before.end(), [&](const ListenerSection& other) {
    return other.socket.path == one.socket.path;
  });
  if (!taken) return;
  in.complain("socket_path", "is another listener's already; give each one of its own");
}

void check_port(ConfigReader& in, const ListenerSection& one, std::vector<TakenPort>& taken) {
  const Endpoint own{one.address, one.port};
  for (const TakenPort& other : taken) {
    if (!overlap(own, other.endpoint)) continue;
    in.complain("port", "is " + std::to_string(one.port) + " on " + one.address + ", which " +
                            other.key + " has already; give one of them another port");
  }
  taken.push_back({"listener " + one.name, own});
}

void check_name(ConfigReader& in, const ListenerSection& one,
                const std::vector<ListenerSection>& before) {
  const bool known = std::any_of(before.begin(), before.end(), [&](const ListenerSection& other) {
    return other.name == one.name;
  });
  if (!known) return;
  in.complain("name", "is \"" + one.name + "\" a second time; give each [[listener]] its own name");
}

}  // namespace

std::vector<ListenerSection> read_listeners(ConfigReader& in, std::vector<TakenPort> taken) {
  AccessSection common;
  in.section("auth");
  read_access(in, common);
  std::vector<ListenerSection> listeners;
  const std::size_t count = std::max<std::size_t>(1, in.repetitions("listener"));
  for (std::size_t i = 0; i < std::min(count, kListenersMax); ++i) {
    ListenerSection one;
    one.access = common;
    in.section("listener", i);
    in.word("name", one.name, 32);
    in.text("address", one.address);
    std::uint16_t port = 0;
    in.number("port", port, 1);
    in.number("connections_max", one.connections_max, 1, 1'000'000);
    read_tls(in, one.tls);
    read_web(in, one);
    read_socket(in, one.socket);
    read_proxy(in, one.proxy);
    one.port = port != 0 ? port : one.tls.on() ? kTlsPort : one.port;
    read_access(in, one.access);
    one.web.any_origin = !one.admits_pages_unseen();
    check_name(in, one, listeners);
    one.is_unix() ? check_socket(in, one, listeners) : check_port(in, one, taken);
    listeners.push_back(std::move(one));
  }
  if (count > kListenersMax) {
    in.section("listener", kListenersMax);
    in.complain("name", "is one too many: 64 listeners at most");
  }
  return listeners;
}

}  // namespace tandemq::broker
