#include "broker/shell/metrics_table.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>

namespace tandemq::broker {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

class Table {
 public:
  void gauge(const char* name, const char* help, double value) {
    add(name, help, MetricType::Gauge).gauge.value = value;
  }
  void counter(const char* name, const char* help, std::uint64_t value) {
    add(name, help, MetricType::Counter).counter.value = static_cast<double>(value);
  }
  // More values of the family that was begun last, told apart by a label.
  void family(const char* name, const char* help, MetricType type) {
    MetricFamily& family = families_.emplace_back();
    family.name = name;
    family.help = help;
    family.type = type;
  }
  void value(const char* label, std::string text, double number) {
    ClientMetric& metric = families_.back().metric.emplace_back();
    metric.label.push_back({label, std::move(text)});
    metric.gauge.value = metric.counter.value = number;
  }
  void histogram(const char* name, const char* help, const Histogram& data) {
    ClientMetric& metric = add(name, help, MetricType::Histogram);
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < data.counts.size(); ++i) {
      cumulative += data.counts[i];
      const double bound = i < Histogram::kBoundsUs.size()
                               ? Histogram::kBoundsUs[i] / 1e6
                               : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({cumulative, bound});
    }
    metric.histogram.sample_count = cumulative;
    metric.histogram.sample_sum = static_cast<double>(data.sum_ns) / 1e9;
  }
  std::vector<MetricFamily> take() { return std::move(families_); }

 private:
  ClientMetric& add(const char* name, const char* help, MetricType type) {
    family(name, help, type);
    return families_.back().metric.emplace_back();
  }
  std::vector<MetricFamily> families_;
};

// One value per state, 1 for the one that holds.
template <class State>
void states(Table& table, const char* label, State now, std::initializer_list<State> all) {
  for (const State state : all) table.value(label, repl::to_string(state), state == now ? 1 : 0);
}

void add_pair(Table& table, const NodeStatus& status) {
  using repl::PairState;
  using repl::Role;
  const repl::ReplicaStatus& replica = status.replica;
  table.family("tandemq_role", "Role of this node, 1 for the one that holds", MetricType::Gauge);
  states(table, "role", replica.role, {Role::primary, Role::standby, Role::fenced});
  table.family("tandemq_pair_state", "Pair state, 1 for the one that holds", MetricType::Gauge);
  states(table, "state", replica.pair_state,
         {PairState::paired, PairState::waiting, PairState::solo, PairState::resyncing});
  table.gauge("tandemq_epoch", "Epoch of the present reign",
              static_cast<double>(epoch_counter(replica.epoch)));
  table.gauge("tandemq_last_lsn", "Last journal record", static_cast<double>(replica.last));
  table.gauge("tandemq_committed_lsn", "Last committed record",
              static_cast<double>(replica.committed));
  table.gauge("tandemq_peer_received_lsn", "Last record the peer has confirmed",
              static_cast<double>(replica.peer_received));
  table.gauge("tandemq_peer_synced_lsn", "Last record the peer has synced",
              static_cast<double>(replica.peer_synced));
  const bool leads = replica.role == Role::primary && !status.single;
  table.gauge("tandemq_replication_lag_records", "Records that the peer has not confirmed",
              leads && replica.last > replica.peer_received
                  ? static_cast<double>(replica.last - replica.peer_received)
                  : 0);
  table.gauge("tandemq_in_sync", "1 when this node may be promoted without force", replica.in_sync);
  table.gauge("tandemq_peer_in_sync", "1 when the peer may be", replica.peer_in_sync);
  table.gauge("tandemq_peer_connected", "1 when the link to the peer is up",
              replica.peer_connected);
  table.gauge("tandemq_peer_silent_seconds", "Time since the peer was heard",
              static_cast<double>(replica.peer_silent_ms) / 1e3);
  table.gauge("tandemq_resync_progress_ratio", "Progress of a resync, 0 to 1",
              replica.resync_progress);
  table.counter("tandemq_role_changes_total", "Changes of role", status.role_changes);
  table.counter("tandemq_pair_state_changes_total", "Changes of pair state",
                status.pair_state_changes);
  table.counter("tandemq_link_connects_total", "Links to the peer that came up",
                status.link.connects_total);
  table.counter("tandemq_link_rejected_total", "Strangers and wrong greetings on the link",
                status.link.rejected_total);
  table.counter("tandemq_link_sent_bytes_total", "Bytes to the peer", status.link.sent_bytes);
  table.counter("tandemq_link_received_bytes_total", "Bytes from the peer",
                status.link.received_bytes);
  table.histogram("tandemq_commit_latency_seconds", "From the append of a batch to its commit",
                  status.commit_latency);
}

void add_messages(Table& table, const NodeStatus& status) {
  const core::EngineCounters& engine = status.engine;
  table.family("tandemq_messages_received_total", "PUBLISH packets from clients",
               MetricType::Counter);
  for (int qos = 0; qos < 3; ++qos) {
    table.value("qos", std::to_string(qos), static_cast<double>(engine.received[qos]));
  }
  table.family("tandemq_messages_delivered_total", "Deliveries put up for clients",
               MetricType::Counter);
  for (int qos = 0; qos < 3; ++qos) {
    table.value("qos", std::to_string(qos), static_cast<double>(engine.delivered[qos]));
  }
  table.family("tandemq_messages_dropped_total", "Messages that were not delivered",
               MetricType::Counter);
  const auto dropped = [&](const char* reason, std::uint64_t count) {
    table.value("reason", reason, static_cast<double>(count));
  };
  dropped("queue_full", engine.dropped_queue_full);
  dropped("expired", engine.dropped_expired);
  dropped("too_large", engine.dropped_too_large);
  dropped("revoked", engine.dropped_revoked);
  dropped("retained_full", engine.dropped_retained_full);
  dropped("slow_reader", status.clients.dropped_slow_reader);
  dropped("rate_limited", status.clients.dropped_rate_limited);
  dropped("not_authorized", engine.refused_not_authorized);
  table.counter("tandemq_publishes_sent_total", "PUBLISH packets to clients",
                status.clients.publishes_sent);
  table.counter("tandemq_wills_published_total", "Wills published", engine.wills_published);
  table.counter("tandemq_sessions_expired_total", "Sessions expired", engine.sessions_expired);
  table.counter("tandemq_protocol_errors_total", "Packets that broke the protocol",
                engine.protocol_errors + status.clients.malformed);
}

void add_login_servers(Table& table, const NodeStatus& status) {
  HttpLogins::Counters sum;
  for (const auto& [url, counters, answers] : status.logins.servers) {
    sum.allowed += counters.allowed;
    sum.refused += counters.refused;
    sum.failed += counters.failed;
    sum.remembered += counters.remembered;
  }
  table.family("tandemq_http_auth_logins_total",
               "Log-ins that a server was asked about, by what came of it", MetricType::Counter);
  table.value("result", "allowed", static_cast<double>(sum.allowed));
  table.value("result", "refused", static_cast<double>(sum.refused));
  table.value("result", "failed", static_cast<double>(sum.failed));
  table.value("result", "remembered", static_cast<double>(sum.remembered));
  if (status.logins.servers.empty()) return;
  table.family("tandemq_http_auth_up", "1: the server's last answer was one", MetricType::Gauge);
  for (const auto& one : status.logins.servers) table.value("url", one.url, one.answers ? 1 : 0);
}

void add_clients(Table& table, const NodeStatus& status) {
  const ClientCounters& clients = status.clients;
  table.gauge("tandemq_logins_waiting", "Clients whose log-in is not answered yet",
              static_cast<double>(status.logins.waiting));
  table.counter("tandemq_logins_slowed_total", "Log-ins refused unseen since too many had failed",
                status.logins.slowed);
  table.gauge("tandemq_connections", "Open client connections",
              static_cast<double>(status.traffic.connections));
  table.gauge("tandemq_sessions", "Sessions", static_cast<double>(status.state.sessions));
  table.gauge("tandemq_sessions_connected", "Sessions with a connection",
              static_cast<double>(status.state.sessions_connected));
  table.gauge("tandemq_subscriptions", "Subscriptions",
              static_cast<double>(status.state.subscriptions));
  table.gauge("tandemq_retained_messages", "Retained messages",
              static_cast<double>(status.state.retained));
  table.gauge("tandemq_retained_bytes", "Memory of retained messages",
              static_cast<double>(status.state.retained_bytes));
  table.gauge("tandemq_users", "Users that both nodes keep (tandemqctl user)",
              static_cast<double>(status.state.users));
  table.gauge("tandemq_roles", "Roles that both nodes keep (tandemqctl role)",
              static_cast<double>(status.state.roles));
  table.gauge("tandemq_queued_messages", "Deliveries that are not finished",
              static_cast<double>(status.state.queued));
  table.gauge("tandemq_queued_bytes", "Memory of their messages, counted once a delivery",
              static_cast<double>(status.state.queued_bytes));
  table.gauge("tandemq_held_effects", "Packets that wait for a commit",
              static_cast<double>(status.traffic.held_effects));
  table.gauge("tandemq_held_bytes", "Memory of packets that wait for a commit",
              static_cast<double>(status.traffic.held_bytes));
  table.counter("tandemq_effects_dropped_total", "Packets for clients that were gone already",
                clients.effects_dropped);
  table.gauge("tandemq_reads_paused", "1 while publishers are not read from",
              status.traffic.reading_paused);
  table.counter("tandemq_reads_paused_total", "Times that reading was paused",
                clients.reads_paused);
  table.gauge("tandemq_unsent_bytes", "Bytes that slow clients have not taken yet",
              static_cast<double>(clients.unsent_bytes));
  table.counter("tandemq_client_received_bytes_total", "Bytes from clients",
                clients.bytes_received);
  table.counter("tandemq_client_sent_bytes_total", "Bytes to clients", clients.bytes_sent);
  table.counter("tandemq_packets_received_total", "Packets from clients", clients.packets_received);
  table.counter("tandemq_client_sends_total", "send() calls to clients", clients.sends);
  table.counter("tandemq_connections_accepted_total", "Connections accepted", clients.accepted);
  table.counter("tandemq_others_sessions_refused_total",
                "CONNECT packets for a session of another user",
                status.engine.refused_others_session);
  table.counter("tandemq_connects_total", "CONNECT packets accepted", clients.connects);
  table.counter("tandemq_sessions_resumed_total", "Of them, with a session that went on",
                clients.sessions_resumed);
  table.family("tandemq_connections_refused_total", "Connections refused", MetricType::Counter);
  table.value("reason", "full", static_cast<double>(clients.refused_full));
  table.value("reason", "authentication", static_cast<double>(clients.refused_auth));
  table.gauge("tandemq_connections_waiting", "Accepted connections that wait for connect_rate_max",
              static_cast<double>(status.connections_waiting));
  table.counter("tandemq_publishers_held_total",
                "Times that a client above its rate was not read from", clients.publishers_held);
  table.counter("tandemq_slow_readers_closed_total",
                "Connections closed for their buffers while memory was critical",
                clients.slow_readers_closed);
  table.counter("tandemq_growth_refused_total",
                "Sessions, subscriptions and retained topics refused while memory was tight",
                status.engine.refused_growth);
  table.counter("tandemq_keep_alive_timeouts_total", "Clients that fell silent", clients.timed_out);
}

void add_certificates(Table& table, const NodeStatus& status) {
  table.family(
      "tandemq_certificate_not_after_seconds",
      "Unix time at which the first part of a file of a TLS listener or of the replication "
      "link ends: certificate, authority or revocation list",
      MetricType::Gauge);
  // A file may serve several listeners and hold several certificates; a scrape with a series twice
  // is refused whole.
  std::map<std::string, std::int64_t> ends;
  for (const CertificateUse& one : status.certificates) {
    const auto [file, first] = ends.try_emplace(one.note.file, one.note.not_after_s);
    if (!first) file->second = std::min(file->second, one.note.not_after_s);
  }
  for (const auto& [file, not_after_s] : ends) {
    table.value("file", file, static_cast<double>(not_after_s));
  }
  table.family("tandemq_tls_handshakes_total", "TLS handshakes by how they ended",
               MetricType::Counter);
  table.value("result", "full", static_cast<double>(status.handshakes.full));
  table.value("result", "resumed", static_cast<double>(status.handshakes.resumed));
  table.value("result", "failed", static_cast<double>(status.handshakes.failed));
}

void add_storage(Table& table, const NodeStatus& status) {
  const repl::JournalFigures& journal = status.journal;
  table.gauge("tandemq_journal_first_lsn", "Oldest record in the journal",
              static_cast<double>(journal.first));
  table.gauge("tandemq_journal_synced_lsn", "Last record synced to disk",
              static_cast<double>(journal.synced));
  table.gauge("tandemq_journal_segments", "Segment files", static_cast<double>(journal.segments));
  table.gauge("tandemq_journal_bytes", "Size of the journal", static_cast<double>(journal.bytes));
  table.counter("tandemq_journal_syncs_total", "fdatasync calls", journal.syncs_total);
  table.gauge("tandemq_journal_last_sync_seconds", "Length of the last fdatasync",
              static_cast<double>(journal.sync_us_last) / 1e6);
  table.counter("tandemq_quarantined_records_total",
                "Records acknowledged here that lost to another history and were kept in a file",
                status.quarantine.records);
  table.counter("tandemq_acknowledged_lost_records_total",
                "Records acknowledged here that lost to another history and that the journal held "
                "no more: they are in no file",
                status.quarantine.lost);
  const CheckpointFigures& checkpoint = status.checkpoint;
  table.gauge("tandemq_checkpoint_lsn", "Last record in the checkpoint",
              static_cast<double>(checkpoint.lsn));
  table.gauge("tandemq_checkpoint_bytes", "Size of the checkpoint",
              static_cast<double>(checkpoint.bytes));
  table.gauge("tandemq_checkpoint_rows", "Rows in the checkpoint",
              static_cast<double>(checkpoint.rows.total()));
  table.counter("tandemq_checkpoints_total", "Checkpoints written", checkpoint.folds_total);
  table.counter("tandemq_checkpoint_failures_total", "Checkpoints that failed",
                checkpoint.failures_total);
  table.gauge("tandemq_checkpoint_slice_longest_seconds",
              "Longest journal read for a checkpoint on the event loop",
              static_cast<double>(checkpoint.slice_us_max) / 1e6);
  table.gauge("tandemq_checkpoint_last_seconds", "Length of the last checkpoint",
              checkpoint.last_seconds);
}

}  // namespace

std::vector<prometheus::MetricFamily> metric_families(const NodeStatus& status) {
  Table table;
  add_pair(table, status);
  add_messages(table, status);
  add_clients(table, status);
  add_login_servers(table, status);
  add_certificates(table, status);
  add_storage(table, status);
  table.histogram("tandemq_turn_seconds", "Length of a turn of the event loop", status.turn_length);
  table.gauge("tandemq_turn_longest_seconds", "Longest turn since the start",
              static_cast<double>(status.turn_ns_max) / 1e9);
  table.gauge("tandemq_callback_longest_seconds", "Longest handling of one client since the start",
              static_cast<double>(status.clients.callback_ns_max) / 1e9);
  table.gauge("tandemq_memory_bytes", "Resident memory of the process",
              static_cast<double>(status.memory_used));
  table.gauge("tandemq_memory_limit_bytes", "limits.memory_max; 0: none",
              static_cast<double>(status.memory_max));
  table.gauge("tandemq_memory_state", "0 ample, 1 tight, 2 critical (limits.memory_max)",
              static_cast<double>(status.memory));
  table.gauge("tandemq_uptime_seconds", "Age of the process",
              static_cast<double>(status.uptime_ms) / 1e3);
  table.family("tandemq_build_info", "Version of the program", MetricType::Gauge);
  table.value("version", TANDEMQ_VERSION, 1);
  table.family("tandemq_peer_build_info", "Version of the peer's program at the last meeting",
               MetricType::Gauge);
  table.value("version", status.meeting.peer_software, 1);
  table.family("tandemq_agreed_info", "What both nodes can read: records are written by it",
               MetricType::Gauge);
  table.value("features", repl::to_text(status.meeting.agreed), 1);
  table.gauge("tandemq_peer_refused", "1 when the nodes do not pair: status says why",
              status.meeting.refused.empty() ? 0 : 1);
  table.gauge("tandemq_settings_differ", "Settings that differ from the peer's and should not",
              static_cast<double>(status.meeting.differences.size()));
  return table.take();
}

}  // namespace tandemq::broker
