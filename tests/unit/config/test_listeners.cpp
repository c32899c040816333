#include <doctest/doctest.h>

#include "broker/config/config.h"

using namespace tandemq;
using namespace tandemq::broker;

namespace {

const std::string kSingle = "[replication]\nmode = \"single\"\n";

std::vector<ListenerSection> listeners_of(const std::string& text) {
  Result<Config> config = parse_config(kSingle + text, "t.toml");
  if (!config) FAIL(config.error().message);
  return config->listeners;
}

std::string error_of(const std::string& text) {
  const Result<Config> config = parse_config(text, "t.toml");
  REQUIRE_FALSE(config);
  return config.error().message;
}

bool lets_in(const std::string& text) {
  return listeners_of(text).at(0).lets_anonymous_in();
}

}  // namespace

TEST_CASE("each listener has its own name, limits and access settings") {
  const auto two = listeners_of(R"(
[auth]
password_file = "/p"
acl_file = "/a"
[[listener]]
name = "inside"
address = "127.0.0.1"
allow_anonymous = true
connections_max = 5
[[listener]]
name = "outside"
port = 8883
acl_file = "/b"
)");
  REQUIRE(two.size() == 2);
  CHECK(two[0].name == "inside");
  CHECK(two[0].lets_anonymous_in());
  CHECK(two[0].connections_max == 5);
  CHECK(two[0].access.password_file == "/p");
  CHECK(two[0].access.acl_file == "/a");
  CHECK(two[1].port == 8883);
  CHECK(two[1].address == "0.0.0.0");
  CHECK(two[1].access.acl_file == "/b");
  CHECK_FALSE(two[1].lets_anonymous_in());
}

TEST_CASE("one [listener] is understood too, and none at all") {
  CHECK(listeners_of("[listener]\nport = 5\n").at(0).port == 5);
  CHECK(listeners_of("").size() == 1);
}

TEST_CASE("anonymous clients come in on loopback, or where the file says so") {
  const std::string loopback = "[listener]\naddress = \"127.0.0.1\"\n";
  CHECK_FALSE(lets_in("[listener]\naddress = \"0.0.0.0\"\n"));
  CHECK_FALSE(lets_in("[listener]\naddress = \"10.0.0.1\"\n"));
  CHECK(lets_in(loopback));
  CHECK(lets_in("[listener]\naddress = \"::1\"\n"));
  CHECK(lets_in("[listener]\nallow_anonymous = true\n"));
  CHECK(lets_in("[auth]\nallow_anonymous = true\n[listener]\nport = 1\n"));
  CHECK_FALSE(lets_in("[auth]\nallow_anonymous = true\n[listener]\nallow_anonymous = false\n"));
  CHECK_FALSE(lets_in(loopback + "allow_anonymous = false\n"));
  CHECK_FALSE(lets_in(loopback + "password_file = \"/p\"\n"));
  CHECK(lets_in(loopback + "password_file = \"\"\n[auth]\npassword_file = \"/p\"\n"));
}

TEST_CASE("a listener where nobody can log in is known, with the line that opens it") {
  CHECK(listeners_of("").at(0).is_shut());
  CHECK(listeners_of("").at(0).line_to_open().find("allow_anonymous = true") != std::string::npos);
  CHECK_FALSE(listeners_of("[auth]\npassword_file = \"/p\"\n").at(0).is_shut());
  CHECK_FALSE(listeners_of("[auth]\nallow_anonymous = true\n").at(0).is_shut());
  CHECK_FALSE(listeners_of("[listener]\naddress = \"127.0.0.1\"\n").at(0).is_shut());
}

TEST_CASE("listeners that would be in each other's way are named, all of them") {
  const std::string error = error_of(kSingle + R"(
[[listener]]
name = "a"
port = 1883
[[listener]]
name = "a"
address = "127.0.0.1"
port = 1883
[[listener]]
name = "c"
port = 9883
prot = 1
)");
  INFO(error);
  for (const char* part :
       {"t.toml:8: listener.name is \"a\" a second time",
        "t.toml:10: listener.port is 1883 on 127.0.0.1, which listener a has already",
        "t.toml:13: listener.port is 9883 on 0.0.0.0, which metrics.listen has already",
        "t.toml:14: unknown key 'listener.prot'"}) {
    CHECK(error.find(part) != std::string::npos);
  }
}

TEST_CASE("the port of the peer is no port for clients") {
  const std::string pair =
      "[replication]\npair_id = \"p\"\npeer = \"b\"\nlisten = \"10.98.0.11:1883\"\n"
      "peer_address = \"10.98.0.12:1883\"\nallow_plain = true\n";
  CHECK(error_of(pair).find("listener.port is 1883 on 0.0.0.0, which replication.listen has") !=
        std::string::npos);
  CHECK(parse_config(pair + "[listener]\naddress = \"10.99.0.11\"\n", "t.toml"));
}

TEST_CASE("what stands for a listener but is no section") {
  CHECK(error_of(kSingle + "[[node]]\n").find("'node' must be a section: write [node]") !=
        std::string::npos);
  CHECK(error_of("listener = [1]\n" + kSingle).find("write [[listener]]") != std::string::npos);
  CHECK(error_of("listener = []\n" + kSingle).find("write [[listener]]") != std::string::npos);
  CHECK(error_of("listener = 1883\n" + kSingle).find("'listener' must be a section") !=
        std::string::npos);
}

TEST_CASE("proxies and Unix sockets of a listener") {
  const std::string text =
      "[replication]\nmode = \"single\"\n[[listener]]\nsocket_path = \"/run/a\"\n"
      "socket_mode = \"0600\"\nproxy_protocol_from = [\"unix\", \"10.0.0.0/8\"]\n";
  const Result<Config> config = parse_config(text, "f");
  REQUIRE(config);
  const ListenerSection& one = config->listeners[0];
  CHECK(one.is_unix());
  CHECK(one.where() == "/run/a");
  CHECK(one.socket.mode == 0600);
  CHECK_FALSE(one.is_local());  // through a proxy anybody may come
  CHECK(one.proxy.trusts("unix:uid-0,pid-1"));
  CHECK(one.proxy.trusts("10.1.2.3:1"));
  CHECK_FALSE(one.proxy.trusts("11.1.2.3:1"));
  for (const char* bad : {"socket_mode = \"0999\"\n", "socket_mode = \"rw\"\n",
                          "proxy_protocol_from = [\"proxy.example\"]\n"}) {
    CHECK_FALSE(
        parse_config(std::string("[replication]\nmode = \"single\"\n[[listener]]\n") + bad, "f"));
  }
  const std::string twice = "[[listener]]\nname = \"b\"\nsocket_path = \"/run/a\"\n";
  CHECK_FALSE(parse_config(text + twice, "f"));
}

TEST_CASE("pages of any origin come in only where they would have to know something") {
  const auto any_origin = [](const std::string& listener) {
    const Result<Config> config =
        parse_config("[replication]\nmode = \"single\"\n[[listener]]\n" + listener, "f");
    REQUIRE(config);
    return config->listeners[0].web.any_origin;
  };
  CHECK_FALSE(any_origin("address = \"127.0.0.1\"\n"));
  CHECK(any_origin("address = \"127.0.0.1\"\npassword_file = \"p\"\n"));
  CHECK(any_origin("address = \"10.0.0.1\"\nallow_anonymous = true\n"));
  const std::string shown =
      "address = \"10.0.0.1\"\ncertfile = \"c\"\nkeyfile = \"k\"\ncafile = \"a\"\n";
  CHECK(any_origin(shown + "allow_anonymous = true\n"));
  CHECK_FALSE(any_origin(shown + "allow_anonymous = true\nrequire_certificate = true\n"));
  CHECK_FALSE(
      any_origin("address = \"10.0.0.1\"\npassword_file = \"p\"\ncertfile = \"c\"\n"
                 "keyfile = \"k\"\ncafile = \"a\"\ncertificate_username = \"cn\"\n"));
}

TEST_CASE("tokens may take the place of passwords") {
  const ListenerSection one = listeners_of(R"(
[auth]
jwt_jwks_file = "/keys"
jwt_issuer = "https://id.example"
jwt_audience = ["mqtt", "mqtt2"]
jwt_username_claim = "name"
jwt_rights_claim = "acl"
jwt_leeway_s = 5
jwt_require_exp = false
[listener]
address = "127.0.0.1"
)")
                                  .at(0);
  CHECK_FALSE(one.lets_anonymous_in());
  CHECK_FALSE(one.is_shut());
  CHECK(one.proves_names());
  CHECK(one.access.tokens.audience.size() == 2);
  CHECK(one.access.tokens.username_claim == "name");
  CHECK(one.access.tokens.rights_claim == "acl");
  CHECK(one.access.tokens.leeway_s == 5);
  CHECK_FALSE(one.access.tokens.require_exp);
  for (const char* wrong :
       {"jwt_issuer = \"x\"\n", "jwt_audience = \"x\"\n", "jwt_rights_claim = \"x\"\n"}) {
    const std::string error = error_of(kSingle + "[auth]\n" + wrong);
    CHECK(error.find("jwt_jwks_file") != std::string::npos);
  }
  CHECK(error_of(kSingle + "[auth]\njwt_username_claim = \"\"\n").find("jwt_username_claim") !=
        std::string::npos);
  CHECK(error_of(kSingle + "[auth]\njwt_leeway_s = 3601\n").find("3600") != std::string::npos);
}
