// tandemqd's configuration file, read. Node takes it apart: nobody else gets more than a section.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/config/sections.h"
#include "broker/core/limits.h"
#include "replicator/driver/replicator.h"

namespace tandemq::broker {

struct Config {
  NodeSection node;
  std::vector<ListenerSection> listeners{1};  // at least one; names differ
  repl::ReplicatorConfig replication;         // and [journal]; of [node]: name, index and data_dir
  CheckpointSection checkpoint;
  core::Limits limits;
  net::ConnectionLimits connections;
  TlsSection tls;
  MetricsSection metrics;
  LogSection log;
};

// Reads a file. The error names every wrong line (file:line, key, remedy), one per line of the
// message, with code 2.
Result<Config> load_config(const std::string& path);

// The same from text; `path` is only named in errors.
Result<Config> parse_config(std::string_view text, const std::string& path);

}  // namespace tandemq::broker
