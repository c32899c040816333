#include "broker/shell/status_log.h"

#include <utility>

#include "broker/support/log.h"

namespace tandemq::broker {

void StatusLog::look(const repl::ReplicaStatus& now, std::uint64_t now_ns) {
  const repl::ReplicaStatus before = std::exchange(last_, now);
  const bool role = now.role != before.role;
  const bool pair_state = now.pair_state != before.pair_state;
  const bool in_sync = now.in_sync != before.in_sync;
  const bool link = now.peer_connected != before.peer_connected;
  if (role || pair_state) changed_ns_ = now_ns;
  role_changes_ += role;
  pair_state_changes_ += pair_state;
  if (!role && !pair_state && !in_sync && !link) return;
  // The last reason is that of a link before.
  const bool only_linked = now.peer_connected && !role && !pair_state && !in_sync;
  log(LogLevel::notice,
      role         ? "role_changed"
      : pair_state ? "pair_state_changed"
      : in_sync    ? "in_sync_changed"
                   : "link_changed",
      {{"role", repl::to_string(now.role)},
       {"pair_state", repl::to_string(now.pair_state)},
       {"role_before", repl::to_string(before.role)},
       {"pair_state_before", repl::to_string(before.pair_state)},
       {"epoch", epoch_counter(now.epoch)},
       {"last_lsn", now.last},
       {"committed_lsn", now.committed},
       {"in_sync", now.in_sync},
       {"peer_connected", now.peer_connected},
       {"reason", only_linked ? "the link to the peer is up" : now.reason}});
}

}  // namespace tandemq::broker
