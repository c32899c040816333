#include "broker/shell/status_json.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "broker/shell/expiry.h"
#include "broker/support/turn.h"

namespace tandemq::broker {
namespace {

nlohmann::json to_json(const std::vector<LoginFigures::Server>& servers) {
  nlohmann::json out = nlohmann::json::array();
  for (const auto& one : servers) out.push_back({{"url", one.url}, {"answers", one.answers}});
  return out;
}

nlohmann::json to_json(const std::vector<repl::Difference>& differences) {
  nlohmann::json out = nlohmann::json::array();
  for (const repl::Difference& one : differences) {
    out.push_back({{"setting", one.name}, {"here", one.here}, {"there", one.there}});
  }
  return out;
}

}  // namespace

nlohmann::json to_json(const NodeStatus& status) {
  const repl::ReplicaStatus& replica = status.replica;
  return {
      {"node", status.node},
      {"peer", status.peer},
      {"pid", getpid()},
      {"data_dir", status.data_dir},
      {"version", TANDEMQ_VERSION},
      {"role", repl::to_string(replica.role)},
      {"pair_state", repl::to_string(replica.pair_state)},
      {"single", status.single},
      {"epoch", replica.epoch},
      {"last_lsn", replica.last},
      {"committed_lsn", replica.committed},
      {"peer_received_lsn", replica.peer_received},
      {"peer_synced_lsn", replica.peer_synced},
      {"in_sync", replica.in_sync},
      {"peer_in_sync", replica.peer_in_sync},
      {"peer_connected", replica.peer_connected},
      {"link_tls", status.link_tls},
      {"peer_silent_ms", replica.peer_silent_ms},
      {"resync_progress", replica.resync_progress},
      {"peer_version", status.meeting.peer_software},
      {"peer_refused", status.meeting.refused},
      {"agreed", repl::to_text(status.meeting.agreed)},
      {"settings_differ", to_json(status.meeting.differences)},
      {"checksums", status.checksums},
      {"commit",
       status.commit == repl::CommitRule::replicated ? "replicated" : "replicated+synced"},
      {"reason", replica.reason},
      {"since_ms", status.since_ms},
      {"busy", status.busy},
      {"uptime_ms", status.uptime_ms},
      {"listening", status.listening},
      {"ports", status.ports},
      {"was_in_sync", replica.was_in_sync},
      {"was_solo", replica.was_solo},
      {"lost_alone", replica.lost_alone},
      {"change", replica.change},
      {"connections", status.traffic.connections},
      {"sessions", status.state.sessions},
      {"subscriptions", status.state.subscriptions},
      {"retained", status.state.retained},
      {"queued", status.state.queued},
      {"memory", to_string(status.memory)},
      {"memory_bytes", status.memory_used},
      {"memory_max", status.memory_max},
      {"users", status.state.users},
      {"roles", status.state.roles},
      {"checkpoint_lsn", status.checkpoint.lsn},
      {"journal_first_lsn", status.journal.first},
      {"journal_bytes", status.journal.bytes},
      {"sessions_before", status.sessions_before},
      {"sessions_back", status.sessions_back},
      {"first_client_ms", status.first_client_ms},
      {"login_servers", to_json(status.logins.servers)},
  };
}

nlohmann::json to_json(const std::vector<CertificateUse>& certificates) {
  nlohmann::json out = nlohmann::json::array();
  for (const CertificateUse& one : certificates) {
    out.push_back({{"listener", one.listener},
                   {"file", one.note.file},
                   {"kind", one.note.kind},
                   {"subject", one.note.subject},
                   {"not_after_s", one.note.not_after_s},
                   {"days_left", days_left(one.note, wall_ms())}});
  }
  return out;
}

}  // namespace tandemq::broker
