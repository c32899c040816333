// Files that appear whole or not at all, in folders of one user alone.
#pragma once

#include <sys/types.h>

#include <string>

#include "broker/base/result.h"

namespace tandemq::failover {

// Replaces `path`, durably, by a file of that mode. The error has code 1.
Status write_whole(const std::string& path, const std::string& text, mode_t mode);

// A folder that nobody else can look into: made, or found so. The error has code 1.
Status private_folder(const std::string& folder);

}  // namespace tandemq::failover
