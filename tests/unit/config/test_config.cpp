#include <doctest/doctest.h>

#include "broker/config/config.h"

using namespace tandemq;
using namespace tandemq::broker;

namespace {

const char* const kSingle = "[replication]\nmode = \"single\"\n";

std::string error_of(const std::string& text) {
  const Result<Config> config = parse_config(text, "t.toml");
  REQUIRE_FALSE(config);
  CHECK(config.error().code == 2);
  return config.error().message;
}

bool contains(const std::string& text, const char* part) {
  INFO(text);
  return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("a single node needs nothing but its mode") {
  Result<Config> config = parse_config(kSingle, "t.toml");
  REQUIRE(config);
  CHECK(config->replication.single);
  CHECK(config->listeners.at(0).port == 1883);
  CHECK(config->limits.maximum_packet_size == 1 << 20);
  CHECK(config->replication.data_dir == config->node.data_dir);
}

TEST_CASE("a packet that could not be journalled is never allowed in") {
  const std::string text = std::string(kSingle) + "[limits]\nmaximum_packet_size = ";
  CHECK(parse_config(text + "33554432\n", "t.toml"));
  CHECK(contains(error_of(text + "33554433\n"), "t.toml:4"));
}

TEST_CASE("all keys are read") {
  Result<Config> config = parse_config(R"(
[node]
name = "b"
index = 2
data_dir = "/d"
control_socket = "/c"
[listener]
address = "127.0.0.1"
port = 2883
connections_max = 7
[replication]
mode = "pair"
pair_id = "plant"
peer = "a"
listen = "[::1]:1000"
peer_address = "10.0.0.1:1001"
allow_plain = true
commit = "replicated+synced"
heartbeat_ms = 10
peer_silence_ms = 100
sync_interval_ms = 5
sync_when_solo = false
[journal]
segment_bytes = 1048576
bytes_max = 2097152
[checkpoint]
interval_s = 5
[limits]
receive_maximum = 10
queued_messages_max = 11
queued_messages_total_max = 12
queued_bytes_total_max = 13
queue_full = "drop_oldest"
queue_qos0_messages = true
memory_max = 100000000
connect_rate_max = 14
publish_rate_max = 15
publish_bytes_rate_max = 16
[auth]
allow_anonymous = false
allow_zero_length_clientid = false
password_file = "/p"
acl_file = "/a"
[metrics]
listen = ""
[log]
level = "debug"
target = "/l"
)",
                                       "t.toml");
  REQUIRE(config);
  CHECK(config->node.index == 2);
  CHECK(config->replication.node_name == "b");
  CHECK(config->replication.listen_address == "::1");
  CHECK(config->replication.listen_port == 1000);
  CHECK(config->replication.peer_port == 1001);
  CHECK(config->replication.commit == repl::CommitRule::replicated_synced);
  CHECK_FALSE(config->replication.sync_when_solo);
  CHECK(config->replication.segment_bytes == 1048576);
  CHECK(config->limits.receive_maximum == 10);
  CHECK(config->limits.queued_messages_max == 11);
  CHECK(config->limits.queued_messages_total_max == 12);
  CHECK(config->limits.queued_bytes_total_max == 13);
  CHECK(config->limits.queue_full == core::QueueFull::drop_oldest);
  CHECK(config->limits.queue_qos0_messages);
  CHECK_FALSE(config->limits.allow_zero_length_client_id);
  CHECK(config->connections.memory_max == 100000000);
  CHECK(config->connections.connects_per_s == 14);
  CHECK(config->connections.publishes_per_s == 15);
  CHECK(config->connections.publish_bytes_per_s == 16);
  REQUIRE(config->listeners.size() == 1);
  CHECK(config->listeners[0].name == "mqtt");
  CHECK(config->listeners[0].connections_max == 7);
  CHECK_FALSE(config->listeners[0].lets_anonymous_in());
  CHECK(config->listeners[0].access.acl_file == "/a");
  CHECK(config->metrics.listen.empty());
  CHECK(config->log.level == "debug");
}

TEST_CASE("what is wrong is named with file, line, key and remedy") {
  CHECK(contains(error_of(std::string(kSingle) + "[limits]\nmemory_max = 1000\n"),
                 "t.toml:4: limits.memory_max must be at least 67108864 (64 MiB), or 0 for none"));
  CHECK(contains(error_of(std::string(kSingle) + "[limits]\nqueue_full = \"drop\"\n"),
                 "limits.queue_full"));
  CHECK(contains(error_of(std::string(kSingle) + "[listener]\nport = 70000\n"),
                 "t.toml:4: listener.port is 70000 but must be from 1 to 65535"));
  CHECK(contains(error_of(std::string(kSingle) + "[listener]\nport = \"x\"\n"),
                 "t.toml:4: listener.port must be a whole number"));
  CHECK(contains(
      error_of(std::string(kSingle) + "[listener]\nprot = 1\n"),
      "t.toml:4: unknown key 'listener.prot'; remove it, [listener] knows name, address, port"));
  CHECK(contains(error_of(std::string(kSingle) + "[listner]\n"),
                 "t.toml:3: unknown section or key 'listner'"));
  CHECK(contains(error_of("[replication]\nmode = \"singel\"\n"),
                 "t.toml:2: replication.mode must be one of \"pair\", \"single\""));
  CHECK(contains(error_of(std::string(kSingle) + "cafile = \"/c\"\n"),
                 "t.toml:3: replication.cafile goes with certfile"));
  CHECK(contains(error_of("[node\n"), "t.toml:1: not valid TOML"));
  CHECK(contains(error_of(std::string(kSingle) + "[auth]\nallow_anonymous = 1\n"),
                 "auth.allow_anonymous must be true or false"));
  CHECK(contains(error_of("[replication]\nlisten = \"nonsense\"\n"),
                 "t.toml:2: replication.listen is \"nonsense\" but must be \"ADDRESS:PORT\""));
  CHECK(contains(error_of("node = 1\n" + std::string(kSingle)), "'node' must be a section"));
}

TEST_CASE("a link that leaves the host has TLS, or the file says that it need not") {
  const auto pair = [](const std::string& listen, const std::string& peer,
                       const std::string& more) {
    const auto config =
        parse_config("[replication]\npair_id = \"p\"\npeer = \"b\"\nlisten = \"" + listen +
                         ":1000\"\npeer_address = \"" + peer + ":1001\"\n" + more,
                     "t.toml");
    return config ? std::string() : config.error().message;
  };
  CHECK(contains(pair("10.0.0.1", "10.0.0.2", ""), "replication.certfile must be set"));
  CHECK(contains(pair("10.0.0.1", "10.0.0.2", ""), "tandemqctl pki"));
  CHECK(contains(pair("127.0.0.1", "10.0.0.2", ""), "replication.certfile must be set"));
  CHECK(contains(pair("0.0.0.0", "127.0.0.1", ""), "replication.certfile must be set"));
  CHECK(contains(pair("10.0.0.1", "10.0.0.2", "cafile = \"/c\"\n"), "cafile goes with certfile"));
  CHECK(contains(pair("10.0.0.1", "10.0.0.2", "certfile = \"/c\"\n"), "cafile goes with certfile"));
  CHECK(pair("10.0.0.1", "10.0.0.2", "certfile = \"/c\"\ncafile = \"/c\"\n").empty());
  CHECK(pair("10.0.0.1", "10.0.0.2", "allow_plain = true\n").empty());
  CHECK(pair("127.0.0.1", "127.0.0.2", "").empty());
  CHECK(pair("[::1]", "[::1]", "").empty());
}

TEST_CASE("limits that no record could keep are refused") {
  const std::string limits = std::string(kSingle) + "[limits]\n";
  CHECK(
      contains(error_of(limits + "maximum_packet_size = 33554433\n"),
               "t.toml:4: limits.maximum_packet_size is 33554433 but must be from 64 to 33554432"));
  CHECK(contains(
      error_of(limits + "subscriptions_per_session_max = 65536\n"),
      "t.toml:4: limits.subscriptions_per_session_max is 65536 but must be from 1 to 65535"));
}

TEST_CASE("a pair must know its peer") {
  const std::string error = error_of("[replication]\nmode = \"pair\"\n");
  CHECK(contains(error, "replication.pair_id must be set"));
  CHECK(contains(error, "replication.peer must name"));
  CHECK(contains(error, "replication.listen must be set"));
  CHECK(contains(error, "replication.peer_address must be set"));
}

TEST_CASE("a file that is missing is a configuration error") {
  const Result<Config> config = load_config("/nowhere/t.toml");
  REQUIRE_FALSE(config);
  CHECK(config.error().code == 2);
}

TEST_CASE("a listener that speaks TLS") {
  const std::string text = std::string(kSingle) + "[listener]\n";
  Result<Config> config = parse_config(text + R"(
certfile = "/server.pem"
keyfile = "/server.key"
cafile = "/ca.pem"
capath = "/authorities"
crlfile = "/crl.pem"
require_certificate = true
certificate_username = "san"
tls_version = "tlsv1.3"
ciphers = "HIGH"
ciphersuites = "TLS_AES_128_GCM_SHA256"
protocol = "websockets"
websockets_path = "/mqtt"
websockets_origin = ["https://plant.example"]
[tls]
ticket_secret_file = "/secret"
)",
                                       "t.toml");
  REQUIRE(config);
  const ListenerSection& one = config->listeners.at(0);
  CHECK(one.port == 8883);
  CHECK(one.tls.certfile == std::vector<std::string>{"/server.pem"});
  CHECK(one.tls.keyfile == std::vector<std::string>{"/server.key"});
  CHECK(one.tls.cafile == "/ca.pem");
  CHECK(one.tls.capath == "/authorities");
  CHECK(one.tls.crlfile == "/crl.pem");
  CHECK(one.tls.require_certificate);
  CHECK(one.tls.certificate_username == net::CertificateName::alternative_name);
  CHECK(one.tls.tls_version == "tlsv1.3");
  CHECK(one.tls.ciphers == "HIGH");
  CHECK(one.tls.ciphersuites == "TLS_AES_128_GCM_SHA256");
  CHECK(one.web.on);
  CHECK(one.tls.under_http);
  CHECK(one.web.path == "/mqtt");
  CHECK(one.web.origins == std::vector<std::string>{"https://plant.example"});
  CHECK(config->tls.ticket_secret_file == "/secret");
  CHECK_FALSE(one.is_shut());  // certificates let in
}

TEST_CASE("TLS settings that make no sense alone are refused") {
  const std::string text = std::string(kSingle) + "[listener]\n";
  const std::string with = text + "certfile = [\"/a.pem\", \"/b.pem\"]\n";
  CHECK(parse_config(with + "keyfile = [\"/a.key\", \"/b.key\"]\n", "t.toml"));
  CHECK(contains(error_of(with + "keyfile = \"/a.key\"\n"), "one file for each of certfile"));
  const std::string one = text + "certfile = \"/a.pem\"\nkeyfile = \"/a.key\"\n";
  CHECK(contains(error_of(one + "require_certificate = true\n"), "listener.cafile"));
  CHECK(contains(error_of(one + "crlfile = \"/crl\"\n"), "listener.cafile"));
  CHECK(contains(error_of(one + "certificate_username = \"cn\"\n"), "listener.cafile"));
  CHECK(contains(error_of(one + "certificate_username = \"dn\"\n"), "t.toml:6"));
  CHECK(contains(error_of(one + "tls_version = \"tlsv1\"\n"), "tlsv1.2"));
  CHECK(contains(error_of(text + "websockets_path = \"mqtt\"\n"), "begin with a slash"));
  CHECK(contains(error_of(text + "cafile = \"/ca.pem\"\n"), "listener.certfile"));
}
