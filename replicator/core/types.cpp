#include "replicator/core/types.h"

namespace tandemq::repl {

const char* to_string(CommitRule rule) {
  return rule == CommitRule::replicated ? "replicated" : "replicated+synced";
}

const char* to_string(Role role) {
  switch (role) {
    case Role::standby:
      return "standby";
    case Role::primary:
      return "primary";
    case Role::fenced:
      return "fenced";
  }
  return "unknown";
}

const char* to_string(PairState state) {
  switch (state) {
    case PairState::paired:
      return "paired";
    case PairState::waiting:
      return "waiting";
    case PairState::solo:
      return "solo";
    case PairState::resyncing:
      return "resyncing";
  }
  return "unknown";
}

}  // namespace tandemq::repl
