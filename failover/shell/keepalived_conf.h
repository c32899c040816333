// keepalived.conf from one template. Its values were checked when the configuration was read: the
// file is read by a daemon that runs as root.
#pragma once

#include <string>

#include "broker/base/result.h"
#include "failover/shell/config.h"

namespace tandemq::failover {

constexpr const char* kVrrpInstance = "tandemq";

std::string keepalived_conf(const AgentConfig& config);

// The file can be read and says something else: keepalived would misread the track file.
bool keepalived_conf_differs(const AgentConfig& config);

// Writes config.keepalived_conf by atomic rename. False: it held the same text already. A file that
// is not of this program is left alone: error.
Result<bool> write_keepalived_conf(const AgentConfig& config);

}  // namespace tandemq::failover
