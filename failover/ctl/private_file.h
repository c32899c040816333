// Files that appear whole or not at all.
#pragma once

#include <sys/types.h>

#include <string>

#include "broker/base/result.h"

namespace tandemq::failover {

// Replaces `path`, durably, by a file of that mode. The error has code 1.
Status write_whole(const std::string& path, const std::string& text, mode_t mode);

}  // namespace tandemq::failover
