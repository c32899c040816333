#include "broker/shell/config.h"

#include <charconv>

#include "broker/base/exit_code.h"
#include "broker/support/config_reader.h"

namespace tandemq::broker {
namespace {

constexpr std::uint32_t kPacketMax = 268'435'460;  // bytes, the largest MQTT packet

void read_node(ConfigReader& in, Config& config) {
  in.section("node");
  in.word("name", config.node_name, 32);
  in.number("index", config.node_index, 1, 2);
  in.path("data_dir", config.data_dir);
  in.path("control_socket", config.control_socket);
  in.text("pid_file", config.pid_file);
  in.section("listener");
  in.text("address", config.listen_address);
  in.number("port", config.listen_port, 1);
  in.number("connections_max", config.connections_max, 1, 1'000'000);
}

void read_endpoint(ConfigReader& in, std::string_view key, std::string& host, std::uint16_t& port) {
  std::string text;
  in.text(key, text);
  if (text.empty()) return;
  Result<Endpoint> endpoint = parse_endpoint(text);
  if (!endpoint) return in.complain(key, endpoint.error().message);
  host = endpoint->host;
  port = endpoint->port;
}

void read_replication(ConfigReader& in, Config& config) {
  repl::ReplicatorConfig& out = config.replication;
  in.section("replication");
  std::string mode = "pair";
  in.choice("mode", mode, {"pair", "single"});
  out.single = mode == "single";
  in.text("pair_id", out.pair_id);
  in.text("peer", out.peer_name);
  read_endpoint(in, "listen", out.listen_address, out.listen_port);
  read_endpoint(in, "peer_address", out.peer_address, out.peer_port);
  std::string commit = "replicated";
  in.choice("commit", commit, {"replicated", "replicated+synced"});
  out.commit =
      commit == "replicated" ? repl::CommitRule::replicated : repl::CommitRule::replicated_synced;
  in.number("heartbeat_ms", out.heartbeat_ms, 1, 60'000);
  in.number("peer_silence_ms", out.peer_silence_ms, 10, 600'000);
  in.number("sync_interval_ms", out.sync_interval_ms, 1, 60'000);
  in.flag("sync_when_solo", out.sync_when_solo);
  bool allow_plain = true;
  in.flag("allow_plain", allow_plain);
  if (!allow_plain) {
    in.complain("allow_plain", "must be true: this version has no TLS on the replication link yet");
  }
  if (out.peer_silence_ms < 2 * out.heartbeat_ms) {
    in.complain("peer_silence_ms", "must be at least twice heartbeat_ms");
  }
  if (out.single) return;
  if (out.pair_id.empty()) in.complain("pair_id", "must be set, equal on both nodes");
  if (out.peer_name.empty()) in.complain("peer", "must name the other node");
  if (out.peer_name == config.node_name) in.complain("peer", "must differ from node.name");
  if (out.listen_address.empty()) in.complain("listen", "must be set, as \"ADDRESS:PORT\"");
  if (out.peer_address.empty()) in.complain("peer_address", "must be set, as \"ADDRESS:PORT\"");
}

void read_limits(ConfigReader& in, core::Limits& limits) {
  in.section("limits");
  in.number("receive_maximum", limits.receive_maximum, 1);
  in.number("inflight_maximum", limits.inflight_maximum, 1);
  in.number("maximum_packet_size", limits.maximum_packet_size, 64, kPacketMax);
  in.number("topic_alias_maximum", limits.topic_alias_maximum);
  in.number("session_expiry_s_max", limits.session_expiry_s_max);
  in.number("queued_messages_max", limits.queued_messages_max, 1);
  in.number("queued_bytes_max", limits.queued_bytes_max, 1);
  in.number("retained_messages_max", limits.retained_messages_max);
  in.number("subscriptions_per_session_max", limits.subscriptions_per_session_max, 1);
  in.number("topic_levels_max", limits.topic_levels_max, 1, 65'535);
}

void read_rest(ConfigReader& in, Config& config) {
  in.section("journal");
  in.number("segment_bytes", config.replication.segment_bytes, 1 << 16, 1u << 31);
  in.number("bytes_max", config.replication.journal_bytes_max, 1 << 20);
  in.section("checkpoint");
  in.number("interval_s", config.checkpoint_interval_s, 1, 86'400);
  in.section("auth");
  in.text("password_file", config.password_file);
  config.allow_anonymous = config.password_file.empty();
  in.flag("allow_anonymous", config.allow_anonymous);
  in.text("acl_file", config.acl_file);
  in.section("metrics");
  in.text("listen", config.metrics_listen);
  if (!config.metrics_listen.empty()) {
    Result<Endpoint> endpoint = parse_endpoint(config.metrics_listen);
    if (!endpoint) in.complain("listen", endpoint.error().message);
  }
  in.section("log");
  in.choice("level", config.log_level, {"debug", "info", "notice", "warning", "error"});
  in.text("target", config.log_target);
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& path) {
  Config config;
  ConfigReader in(text, path);
  read_node(in, config);
  read_replication(in, config);
  read_limits(in, config.limits);
  read_rest(in, config);
  std::string complaints = in.finish();
  if (!complaints.empty()) {
    complaints.pop_back();
    return Error{complaints, kExitConfiguration};
  }
  config.replication.node_name = config.node_name;
  config.replication.node_index = config.node_index;
  config.replication.data_dir = config.data_dir;
  return config;
}

Result<Config> load_config(const std::string& path) {
  Result<std::string> text = read_config_file(path);
  if (!text) return text.error();
  return parse_config(*text, path);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const Error wrong{"is \"" + std::string(text) +
                    "\" but must be \"ADDRESS:PORT\", for example \"10.98.0.11:7883\""};
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return wrong;
  std::string_view host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']' && host.size() > 2) {
    host = host.substr(1, host.size() - 2);
  }
  const std::string_view digits = text.substr(colon + 1);
  Endpoint endpoint{std::string(host), 0};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
  if (error != std::errc{} || end != digits.data() + digits.size() || endpoint.port == 0) {
    return wrong;
  }
  return endpoint;
}

}  // namespace tandemq::broker
