#include "broker/config/config.h"

#include "broker/base/exit_code.h"
#include "broker/config/read_listeners.h"
#include "broker/support/config_reader.h"
#include "broker/support/endpoint.h"

namespace tandemq::broker {
namespace {

// Below it an empty broker would be near it.
constexpr std::uint64_t kMemoryMaxLeast = 64 << 20;

void read_node(ConfigReader& in, NodeSection& node) {
  in.section("node");
  in.word("name", node.name, 32);
  in.number("index", node.index, 1, 2);
  in.path("data_dir", node.data_dir);
  in.path("control_socket", node.control_socket);
  in.text("pid_file", node.pid_file);
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

void read_link_tls(ConfigReader& in, repl::ReplicatorConfig& out) {
  in.text("certfile", out.tls.certfile);
  in.text("keyfile", out.tls.keyfile);
  in.text("cafile", out.tls.cafile);
  bool allow_plain = false;
  in.flag("allow_plain", allow_plain);
  const bool some = !out.tls.keyfile.empty() || !out.tls.cafile.empty();
  if (out.tls.on() ? out.tls.cafile.empty() : some) {
    in.complain("cafile",
                "goes with certfile: name this node's certificate and the authority of "
                "both nodes' (`tandemqctl pki` makes the files), or neither");
  }
  const auto stays_here = [](const std::string& host) { return host.empty() || is_loopback(host); };
  const bool leaves = !stays_here(out.listen_address) || !stays_here(out.peer_address);
  if (!out.single && leaves && !out.tls.on() && !allow_plain) {
    in.complain(
        "certfile",
        "must be set, and cafile: without TLS whoever is on the network between the two "
        "nodes reads and writes all messages. `tandemqctl pki` makes the files; allow_plain "
        "= true does without");
  }
}

void read_replication(ConfigReader& in, const NodeSection& node, repl::ReplicatorConfig& out) {
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
  if (out.peer_silence_ms < 2 * out.heartbeat_ms) {
    in.complain("peer_silence_ms", "must be at least twice heartbeat_ms");
  }
  read_link_tls(in, out);
  out.node_name = node.name;
  out.node_index = node.index;
  out.data_dir = node.data_dir;
  if (out.single) return;
  if (out.pair_id.empty()) in.complain("pair_id", "must be set, equal on both nodes");
  if (out.peer_name.empty()) in.complain("peer", "must name the other node");
  if (out.peer_name == node.name) in.complain("peer", "must differ from node.name");
  if (out.listen_address.empty()) in.complain("listen", "must be set, as \"ADDRESS:PORT\"");
  if (out.peer_address.empty()) in.complain("peer_address", "must be set, as \"ADDRESS:PORT\"");
}

void read_journal(ConfigReader& in, repl::ReplicatorConfig& out) {
  in.section("journal");
  in.number("segment_bytes", out.segment_bytes, 1 << 16, 1u << 31);
  in.number("bytes_max", out.journal_bytes_max, 1 << 20);
}

void read_limits(ConfigReader& in, core::Limits& limits) {
  in.section("limits");
  in.number("receive_maximum", limits.receive_maximum, 1);
  in.number("inflight_maximum", limits.inflight_maximum, 1);
  in.number("maximum_packet_size", limits.maximum_packet_size, 64, core::kPacketSizeMax);
  in.number("topic_alias_maximum", limits.topic_alias_maximum);
  in.number("session_expiry_s_max", limits.session_expiry_s_max);
  in.number("queued_messages_max", limits.queued_messages_max, 1);
  in.number("queued_bytes_max", limits.queued_bytes_max, 1);
  in.number("queued_messages_total_max", limits.queued_messages_total_max);
  in.number("queued_bytes_total_max", limits.queued_bytes_total_max);
  in.flag("queue_qos0_messages", limits.queue_qos0_messages);
  std::string full = "drop_newest";
  in.choice("queue_full", full, {"drop_newest", "drop_oldest"});
  limits.queue_full =
      full == "drop_newest" ? core::QueueFull::drop_newest : core::QueueFull::drop_oldest;
  in.number("retained_messages_max", limits.retained_messages_max);
  in.number("subscriptions_per_session_max", limits.subscriptions_per_session_max, 1,
            core::kSubscriptionsMax);
  in.number("maximum_qos", limits.maximum_qos, 0, 2);
  in.flag("retain_available", limits.retain_available);
  in.number("keep_alive_s_max", limits.keep_alive_s_max);
  in.number("topic_levels_max", limits.topic_levels_max, 1, 65'535);
}

void read_connection_limits(ConfigReader& in, net::ConnectionLimits& limits) {
  in.number("connections_max", limits.total);
  in.number("connections_per_address_max", limits.per_address);
  in.number("connections_per_user_max", limits.per_user);
  in.number("connect_rate_max", limits.connects_per_s);
  in.number("publish_rate_max", limits.publishes_per_s);
  in.number("publish_bytes_rate_max", limits.publish_bytes_per_s);
  in.number("memory_max", limits.memory_max);
  if (limits.memory_max != 0 && limits.memory_max < kMemoryMaxLeast) {
    in.complain("memory_max", "must be at least 67108864 (64 MiB), or 0 for none");
  }
}

void read_common_auth(ConfigReader& in, core::Limits& limits) {
  in.section("auth");
  std::string others = "refuse";
  in.choice("session_of_another_user", others, {"refuse", "clean"});
  limits.others_session =
      others == "refuse" ? core::OthersSession::refuse : core::OthersSession::clean;
  in.flag("allow_zero_length_clientid", limits.allow_zero_length_client_id);
  std::string denied = "acknowledge";
  in.choice("denied_publish", denied, {"acknowledge", "disconnect"});
  limits.denied_publish =
      denied == "acknowledge" ? core::DeniedPublish::acknowledge : core::DeniedPublish::disconnect;
}

void read_metrics(ConfigReader& in, MetricsSection& metrics) {
  in.section("metrics");
  in.text("listen", metrics.listen);
  if (metrics.listen.empty()) return;
  Result<Endpoint> endpoint = parse_endpoint(metrics.listen);
  if (!endpoint) in.complain("listen", endpoint.error().message + ", or empty for none");
}

void read_rest(ConfigReader& in, Config& config) {
  read_journal(in, config.replication);
  in.section("checkpoint");
  in.number("interval_s", config.checkpoint.interval_s, 1, 86'400);
  in.section("tls");
  in.text("ticket_secret_file", config.tls.ticket_secret_file);
  read_metrics(in, config.metrics);
  in.section("log");
  in.choice("level", config.log.level, {"debug", "info", "notice", "warning", "error"});
  in.text("target", config.log.target);
}

// What else is listened on, for read_listeners to keep off.
std::vector<TakenPort> ports_of_others(ConfigReader& in, const Config& config) {
  std::vector<TakenPort> taken;
  const repl::ReplicatorConfig& link = config.replication;
  if (!link.single && !link.listen_address.empty()) {
    taken.push_back({"replication.listen", {link.listen_address, link.listen_port}});
  }
  const Result<Endpoint> metrics = parse_endpoint(config.metrics.listen);
  if (!metrics) return taken;
  if (!taken.empty() && overlap(*metrics, taken.front().endpoint)) {
    in.section("metrics");
    in.complain("listen", "is the port of replication.listen, too; give one of them another port");
  }
  taken.push_back({"metrics.listen", *metrics});
  return taken;
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& path) {
  Config config;
  ConfigReader in(text, path);
  read_node(in, config.node);
  read_replication(in, config.node, config.replication);
  read_limits(in, config.limits);
  read_connection_limits(in, config.connections);
  read_common_auth(in, config.limits);
  read_rest(in, config);
  config.listeners = read_listeners(in, ports_of_others(in, config));
  std::string complaints = in.finish();
  if (complaints.empty()) return config;
  complaints.pop_back();
  return Error{complaints, kExitConfiguration};
}

Result<Config> load_config(const std::string& path) {
  Result<std::string> text = read_config_file(path);
  if (!text) return text.error();
  return parse_config(*text, path);
}

}  // namespace tandemq::broker
