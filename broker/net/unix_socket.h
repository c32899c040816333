// A listening socket in the file system.
#pragma once

#include <sys/types.h>

#include <string>

#include "broker/base/result.h"

namespace tandemq::net {

struct UnixSocket {
  std::string path;  // empty: an address is listened on instead
  mode_t mode = 0660;
  std::string owner, group;  // names; empty: those of this process
};

// A socket that is bound there, in place of one that nobody serves any more; it does not listen
// yet. The error is the reason with its remedy.
Result<int> bind_unix(const UnixSocket& socket);

}  // namespace tandemq::net
