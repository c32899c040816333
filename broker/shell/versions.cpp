#include "broker/shell/versions.h"

#include "broker/checkpoint/checkpoint.h"
#include "broker/core/record_kinds.h"
#include "replicator/core/frame.h"

namespace tandemq::broker {
namespace {

// The first release: its newest kind, all of them in the first version, and its checkpoint.
constexpr core::Kind kFirstNewestKind = core::Kind::will_settled;
constexpr std::uint16_t kFirstFormat = 1;

}  // namespace

repl::Features known_features() {
  std::vector<repl::KindVersion> kinds;
  for (const core::KindFacts& one : core::kKinds) {
    const auto kind = static_cast<std::uint16_t>(one.kind);
    if (kind >= repl::kFirstUserKind) kinds.push_back({kind, one.version});
  }
  return repl::features_with(std::move(kinds), kCheckpointFormat);
}

repl::Features first_features() {
  std::vector<repl::KindVersion> kinds;
  for (const repl::KindVersion& one : known_features().kinds) {
    const bool is_ours = one.kind >= repl::kFirstUserKind;
    if (is_ours && one.kind <= static_cast<std::uint16_t>(kFirstNewestKind)) {
      kinds.push_back({one.kind, repl::kRecordVersion});
    }
  }
  return repl::features_with(std::move(kinds), kFirstFormat);
}

std::vector<repl::Setting> shared_settings(const Config& config) {
  const repl::ReplicatorConfig& replication = config.replication;
  const core::Limits& limits = config.limits;
  std::vector<repl::Setting> out{{"replication.commit", repl::to_string(replication.commit)}};
  const auto number = [&out](const char* name, auto value) {
    out.push_back({name, std::to_string(value)});
  };
  number("replication.heartbeat_ms", replication.heartbeat_ms);
  number("replication.peer_silence_ms", replication.peer_silence_ms);
  number("limits.receive_maximum", limits.receive_maximum);
  number("limits.inflight_maximum", limits.inflight_maximum);
  number("limits.maximum_packet_size", limits.maximum_packet_size);
  number("limits.topic_alias_maximum", limits.topic_alias_maximum);
  number("limits.session_expiry_s_max", limits.session_expiry_s_max);
  number("limits.queued_messages_max", limits.queued_messages_max);
  number("limits.queued_bytes_max", limits.queued_bytes_max);
  number("limits.queued_messages_total_max", limits.queued_messages_total_max);
  number("limits.queued_bytes_total_max", limits.queued_bytes_total_max);
  number("limits.queue_qos0_messages", limits.queue_qos0_messages);
  out.push_back({"limits.queue_full", limits.queue_full == core::QueueFull::drop_newest
                                          ? "drop_newest"
                                          : "drop_oldest"});
  number("limits.retained_messages_max", limits.retained_messages_max);
  number("limits.subscriptions_per_session_max", limits.subscriptions_per_session_max);
  number("limits.maximum_qos", limits.maximum_qos);
  number("limits.retain_available", limits.retain_available);
  number("limits.keep_alive_s_max", limits.keep_alive_s_max);
  number("limits.topic_levels_max", limits.topic_levels_max);
  number("limits.memory_max", config.connections.memory_max);
  number("limits.connect_rate_max", config.connections.connects_per_s);
  number("limits.publish_rate_max", config.connections.publishes_per_s);
  number("limits.publish_bytes_rate_max", config.connections.publish_bytes_per_s);
  number("auth.allow_zero_length_clientid", limits.allow_zero_length_client_id);
  std::string open_to_users;
  for (const ListenerSection& one : config.listeners) {
    if (one.access.runtime_users) open_to_users += (open_to_users.empty() ? "" : " ") + one.name;
  }
  out.push_back({"auth.runtime_users", open_to_users.empty() ? "none" : open_to_users});
  out.push_back({"auth.session_of_another_user",
                 limits.others_session == core::OthersSession::refuse ? "refuse" : "clean"});
  out.push_back({"auth.denied_publish", limits.denied_publish == core::DeniedPublish::acknowledge
                                            ? "acknowledge"
                                            : "disconnect"});
  return out;
}

}  // namespace tandemq::broker
