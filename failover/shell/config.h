// /etc/tandemq/agent.toml (docs/configuration.md lists the keys and their defaults).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "failover/core/facts.h"

namespace tandemq::failover {

struct AgentConfig {
  std::string path;  // of the file

  std::string node = "a";
  unsigned index = 1;
  std::string control_socket = "/run/tandemq/agent.sock";
  std::string state_dir = "/var/lib/tandemq-agent";
  std::string run_dir = "/run/tandemq-agent";
  std::string pid_file;

  std::string broker_socket = "/run/tandemq/broker.sock";
  std::uint32_t health_interval_ms = 20;
  std::uint32_t health_timeout_ms = 300;

  std::string peer = "b";
  std::vector<std::string> listen;
  std::vector<std::string> peer_addresses;
  std::string secret_file = "/etc/tandemq/pair.secret";
  std::string secret;
  std::uint32_t heartbeat_ms = 50;

  std::string authority = "timeout";
  std::uint32_t silence_ms = 300;
  std::uint32_t in_sync_lease_ms = 1100;
  std::string cold_start = "wait";
  std::uint32_t damping_ms = 10000;
  std::string gateway;

  std::string interface = "eth0";
  std::uint32_t router_id = 51;
  double advert_int = 0.1;
  std::vector<std::string> addresses;
  std::string unicast_source;
  std::vector<std::string> unicast_peers;
  std::string keepalived_conf = "/etc/keepalived/keepalived.conf";
  std::string keepalived_pid_file = "/run/keepalived.pid";

  std::string metrics_listen = "127.0.0.1:9884";
  std::string log_level = "info";
  std::string log_target = "stderr";
  std::string webhook_url;

  std::string track_file() const { return run_dir + "/track"; }
  std::string memory_file() const { return run_dir + "/memory.json"; }
  std::string notify_fifo() const { return run_dir + "/vrrp.fifo"; }
  Settings settings(std::uint64_t boot) const;
  // What should be equal on both nodes, for comparing.
  std::map<std::string, std::string> shared_settings() const;
};

// Error: code 2 for what the file says, 3 for a secret that cannot be read.
Result<AgentConfig> parse_config(std::string_view text, const std::string& path);
Result<AgentConfig> load_config(const std::string& path, bool with_secret);

}  // namespace tandemq::failover
