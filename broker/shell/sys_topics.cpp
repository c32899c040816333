#include "broker/shell/sys_topics.h"

namespace tandemq::broker {
namespace {

std::map<std::string, std::string> topics(const NodeStatus& status) {
  const core::EngineCounters& engine = status.engine;
  const ClientCounters& clients = status.clients;
  const std::uint64_t received = engine.received[0] + engine.received[1] + engine.received[2];
  const std::uint64_t dropped = engine.dropped_queue_full + engine.dropped_expired +
                                engine.dropped_too_large + clients.dropped_slow_reader;
  const core::StateFigures& state = status.state;
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  return {
      {"$SYS/broker/version", "tandemqd version " TANDEMQ_VERSION},
      {"$SYS/broker/uptime", number(status.uptime_ms / 1000) + " seconds"},
      {"$SYS/broker/clients/total", number(state.sessions)},
      {"$SYS/broker/clients/connected", number(state.sessions_connected)},
      {"$SYS/broker/clients/disconnected", number(state.sessions - state.sessions_connected)},
      {"$SYS/broker/messages/received", number(clients.packets_received)},
      {"$SYS/broker/publish/messages/received", number(received)},
      {"$SYS/broker/publish/messages/sent", number(clients.publishes_sent)},
      {"$SYS/broker/publish/messages/dropped", number(dropped)},
      {"$SYS/broker/bytes/received", number(clients.bytes_received)},
      {"$SYS/broker/bytes/sent", number(clients.bytes_sent)},
      {"$SYS/broker/subscriptions/count", number(state.subscriptions)},
      {"$SYS/broker/retained messages/count", number(state.retained)},
      {"$SYS/broker/store/messages/count", number(state.queued)},
      {"$SYS/broker/store/messages/bytes", number(state.queued_bytes)},
      {"$SYS/broker/tandemq/node", status.node},
      {"$SYS/broker/tandemq/role", repl::to_string(status.replica.role)},
      {"$SYS/broker/tandemq/pair_state", repl::to_string(status.replica.pair_state)},
  };
}

}  // namespace

void SysTopics::publish(const NodeStatus& status, core::Engine& engine, TimeMs now,
                        core::Effects& out) {
  for (auto& [topic, payload] : topics(status)) {
    std::string& last = last_[topic];
    if (last == payload) continue;
    last = payload;
    core::MessageFields fields;
    fields.topic = topic;
    fields.payload = payload;
    fields.retain = true;
    engine.publish_own(fields, true, now, out);
  }
}

}  // namespace tandemq::broker
