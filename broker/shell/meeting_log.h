// Says in the log what a meeting with the peer brought: once, and again when it has changed.
#pragma once

#include <string>

#include "replicator/core/types.h"

namespace tandemq::broker {

class MeetingLog {
 public:
  void look(const std::string& peer_name, const repl::Meeting& meeting);

 private:
  repl::Meeting told_;
};

}  // namespace tandemq::broker
