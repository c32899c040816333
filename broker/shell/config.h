// Configuration of tandemqd: docs/configuration.md lists the keys and their defaults.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/base/result.h"
#include "broker/core/commands.h"
#include "replicator/driver/replicator.h"

namespace tandemq::broker {

struct Config {
  std::string node_name = "a";
  unsigned node_index = 1;
  std::string data_dir = "/var/lib/tandemq";
  std::string control_socket = "/run/tandemq/broker.sock";
  std::string pid_file;

  std::string listen_address = "0.0.0.0";
  std::uint16_t listen_port = 1883;
  std::uint32_t connections_max = 20'000;

  // node_name, node_index and data_dir are copied into it as well.
  repl::ReplicatorConfig replication;

  std::uint32_t checkpoint_interval_s = 60;
  core::Limits limits;

  bool allow_anonymous = true;
  std::string password_file;
  std::string acl_file;

  std::string metrics_listen = "127.0.0.1:9883";
  std::string log_level = "info";
  std::string log_target = "stderr";
};

// Reads a file. The error names every wrong line (file:line, key, remedy), one per line of the
// message, with code 2.
Result<Config> load_config(const std::string& path);

// The same from text; `path` is only named in errors.
Result<Config> parse_config(std::string_view text, const std::string& path);

// "host:port" or "[v6]:port".
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
};
Result<Endpoint> parse_endpoint(std::string_view text);

}  // namespace tandemq::broker
