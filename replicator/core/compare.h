// Two nodes meet and neither reigns: does this one hold everything that was committed?
#pragma once

#include <string>

#include "replicator/core/member.h"

namespace tandemq::repl {

struct Claim {
  bool in_sync = false;    // Meta::in_sync from now on
  bool confirmed = false;  // Member::confirmed
  std::string sentence;    // why, for the operator
};

// By the peer's Hello; `common` is the last record of both journals.
Claim compare(const Member& member, const msg::Hello& peer, Lsn common);

}  // namespace tandemq::repl
