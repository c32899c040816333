#include "failover/shell/config.h"

#include <algorithm>

#include "broker/base/exit_code.h"
#include "broker/support/config_reader.h"
#include "broker/support/text_file.h"
#include "failover/shell/socket_address.h"

namespace tandemq::failover {
namespace {

void read_node(ConfigReader& r, AgentConfig& c) {
  r.section("node");
  r.word("name", c.node, 32);
  r.number("index", c.index, 1, 2);
  r.path("control_socket", c.control_socket);
  r.path("state_dir", c.state_dir);
  r.word("run_dir", c.run_dir, 90);
  r.text("pid_file", c.pid_file);
  r.section("broker");
  r.path("control_socket", c.broker_socket);
  r.number("health_interval_ms", c.health_interval_ms, 5, 10000);
  r.number("health_timeout_ms", c.health_timeout_ms, 20, 60000);
  if (c.health_timeout_ms < 3 * c.health_interval_ms) {
    r.complain("health_timeout_ms", "must be at least three times health_interval_ms");
  }
}

void read_peer(ConfigReader& r, AgentConfig& c) {
  r.section("peer");
  r.word("name", c.peer, 32);
  if (c.peer == c.node) r.complain("name", "must differ from node.name");
  r.texts("listen", c.listen);
  r.texts("addresses", c.peer_addresses);
  for (const std::string& a : c.listen) {
    if (Result<SocketAddress> e = parse_socket_address(a); !e)
      r.complain("listen", e.error().message);
  }
  for (const std::string& a : c.peer_addresses) {
    if (Result<SocketAddress> e = parse_socket_address(a); !e)
      r.complain("addresses", e.error().message);
  }
  if (c.listen.empty() || c.listen.size() != c.peer_addresses.size() || c.listen.size() > 8) {
    r.complain("listen", "must name 1 to 8 addresses, one for each of peer.addresses");
  }
  r.text("secret_file", c.secret_file);
  r.number("heartbeat_ms", c.heartbeat_ms, 5, 5000);
}

void read_failover(ConfigReader& r, AgentConfig& c) {
  r.section("failover");
  r.choice("authority", c.authority, {"timeout", "manual"});
  r.number("silence_ms", c.silence_ms, 50, 60000);
  if (c.silence_ms < 3 * c.heartbeat_ms) {
    r.complain("silence_ms", "must be at least three times peer.heartbeat_ms");
  }
  r.number("in_sync_lease_ms", c.in_sync_lease_ms, 200, 600000);
  if (c.in_sync_lease_ms < 3 * c.silence_ms) {
    r.complain("in_sync_lease_ms",
               "must be at least three times silence_ms: within it the standby "
               "hears that the primary is gone and takes over");
  }
  r.choice("cold_start", c.cold_start, {"wait", "serve"});
  r.number("damping_ms", c.damping_ms, 0, 3600000);
  r.text("gateway", c.gateway);
  if (c.gateway.empty()) return;
  if (Result<HostAddress> a = parse_address(c.gateway); !a)
    r.complain("gateway", a.error().message);
}

// The two nodes speak VRRP in one address family, and keepalived wants an address of that one.
void check_unicast(ConfigReader& r, const AgentConfig& c) {
  if (c.unicast_peers.empty()) return;
  const Result<HostAddress> source = parse_address(c.unicast_source);
  if (!source || source->prefix >= 0) {
    return r.complain("unicast_source", "must be this node's address when unicast_peers are named");
  }
  const auto same_family = [&](const std::string& address) {
    const Result<HostAddress> parsed = parse_address(address);
    return parsed && parsed->family == source->family;
  };
  for (const std::string& a : c.unicast_peers) {
    const Result<HostAddress> parsed = parse_address(a);
    if (!parsed || parsed->prefix >= 0) {
      r.complain("unicast_peers", "'" + a + "' is not an address");
    } else if (!same_family(a)) {
      r.complain("unicast_peers", "'" + a + "' must be of the same family as unicast_source");
    }
  }
  if (std::none_of(c.addresses.begin(), c.addresses.end(), same_family)) {
    r.complain("unicast_source", "must be of the same family, IPv4 or IPv6, as one of addresses");
  }
}

void read_vrrp(ConfigReader& r, AgentConfig& c) {
  r.section("vrrp");
  r.word("interface", c.interface, 15);
  r.number("router_id", c.router_id, 1, 255);
  r.decimal("advert_int", c.advert_int, 0.01, 40);
  std::uint32_t priority = 0;  // of earlier configurations: priorities follow the reign now
  r.number("priority", priority, 1, 254);
  r.texts("addresses", c.addresses);
  for (const std::string& a : c.addresses) {
    Result<HostAddress> parsed = parse_address(a);
    if (!parsed) r.complain("addresses", parsed.error().message);
    if (parsed && parsed->prefix < 0) r.complain("addresses", "'" + a + "' needs a prefix, as /24");
  }
  if (c.addresses.empty() || c.addresses.size() > 20) {
    r.complain("addresses", "must name 1 to 20 addresses with prefix");
  }
  r.text("unicast_source", c.unicast_source);
  r.texts("unicast_peers", c.unicast_peers);
  check_unicast(r, c);
  r.path("keepalived_conf", c.keepalived_conf);
  r.path("keepalived_pid_file", c.keepalived_pid_file);
}

void read_rest(ConfigReader& r, AgentConfig& c) {
  r.section("metrics");
  r.text("listen", c.metrics_listen);
  if (!c.metrics_listen.empty()) {
    if (Result<SocketAddress> e = parse_socket_address(c.metrics_listen); !e) {
      r.complain("listen", e.error().message + ", or empty for none");
    }
  }
  r.section("log");
  r.choice("level", c.log_level, {"debug", "info", "notice", "warning", "error"});
  r.text("target", c.log_target);
  r.section("webhook");
  r.text("url", c.webhook_url);
  if (!c.webhook_url.empty() && !c.webhook_url.starts_with("http://") &&
      !c.webhook_url.starts_with("https://")) {
    r.complain("url", "must begin with http:// or https://");
  }
}

}  // namespace

Settings AgentConfig::settings(std::uint64_t boot) const {
  Settings s;
  s.index = index;
  s.boot = boot;
  s.silence_ms = silence_ms;
  s.in_sync_lease_ms = in_sync_lease_ms;
  s.damping_ms = damping_ms;
  s.health_timeout_ms = health_timeout_ms;
  s.silence_decides = authority != "manual";
  s.cold_start = cold_start == "serve" ? ColdStart::serve : ColdStart::wait;
  return s;
}

std::map<std::string, std::string> AgentConfig::shared_settings() const {
  return {{"failover.authority", authority},
          {"failover.in_sync_lease_ms", std::to_string(in_sync_lease_ms)},
          {"failover.silence_ms", std::to_string(silence_ms)},
          {"failover.cold_start", cold_start}};
}

Result<AgentConfig> parse_config(std::string_view text, const std::string& path) {
  ConfigReader reader(text, path);
  AgentConfig config;
  config.path = path;
  read_node(reader, config);
  read_peer(reader, config);
  read_failover(reader, config);
  read_vrrp(reader, config);
  read_rest(reader, config);
  std::string complaints = reader.finish();
  if (!complaints.empty()) return Error{complaints, kExitConfiguration};
  return config;
}

Result<AgentConfig> load_config(const std::string& path, bool with_secret) {
  Result<std::string> text = read_config_file(path);
  if (!text) return text.error();
  Result<AgentConfig> config = parse_config(*text, path);
  if (!config || !with_secret) return config;
  const Result<std::string> secret = read_text_file(config->secret_file);
  if (!secret) {
    return Error{"cannot read the pair's secret " + config->secret_file + ": " +
                     secret.error().message + "; both nodes need the same file, at least 16 bytes",
                 kExitEnvironment};
  }
  config->secret = secret->substr(0, secret->find('\n'));
  if (config->secret.size() < 16) {
    return Error{"the first line of " + config->secret_file +
                     " must have at least 16 bytes; make "
                     "one with: openssl rand -hex 32",
                 kExitEnvironment};
  }
  return config;
}

}  // namespace tandemq::failover
