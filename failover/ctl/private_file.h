// Files that appear whole or not at all, in folders of one user alone.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "broker/base/result.h"

namespace tandemq::failover {

struct FileOwner {
  uid_t user;
  gid_t group;
};

// Replaces `path`, durably, by a file of that mode; without an owner it is the caller's. The error
// has code 1.
Status write_whole(const std::string& path, const std::string& text, mode_t mode,
                   const std::optional<FileOwner>& owner = std::nullopt);

// A folder that nobody else can look into: made, or found so. The error has code 1.
Status private_folder(const std::string& folder);

}  // namespace tandemq::failover
