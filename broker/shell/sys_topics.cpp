#include "broker/shell/sys_topics.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace tandemq::broker {
namespace {

std::uint64_t publishes_received(const NodeStatus& status) {
  const auto& received = status.engine.received;
  return received[0] + received[1] + received[2];
}

std::uint64_t publishes_dropped(const NodeStatus& status) {
  const core::EngineCounters& engine = status.engine;
  return engine.dropped_queue_full + engine.dropped_expired + engine.dropped_too_large +
         engine.dropped_revoked + status.clients.dropped_slow_reader +
         status.clients.dropped_rate_limited;
}

std::map<std::string, std::string> figures(const NodeStatus& status) {
  const ClientCounters& clients = status.clients;
  const core::StateFigures& state = status.state;
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  const std::string connected = number(state.sessions_connected);
  const std::string disconnected = number(state.sessions - state.sessions_connected);
  const std::string stored = number(state.queued + state.retained);
  return {
      {"$SYS/broker/version", "tandemqd version " TANDEMQ_VERSION},
      {"$SYS/broker/uptime", number(status.uptime_ms / 1000) + " seconds"},
      {"$SYS/broker/clients/total", number(state.sessions)},
      {"$SYS/broker/clients/connected", connected},
      {"$SYS/broker/clients/active", connected},  // the older name
      {"$SYS/broker/clients/disconnected", disconnected},
      {"$SYS/broker/clients/inactive", disconnected},
      {"$SYS/broker/clients/expired", number(status.engine.sessions_expired)},
      {"$SYS/broker/messages/received", number(clients.packets_received)},
      {"$SYS/broker/messages/sent", number(clients.packets_sent)},
      {"$SYS/broker/messages/stored", stored},
      {"$SYS/broker/publish/messages/received", number(publishes_received(status))},
      {"$SYS/broker/publish/messages/sent", number(clients.publishes_sent)},
      {"$SYS/broker/publish/messages/dropped", number(publishes_dropped(status))},
      {"$SYS/broker/publish/bytes/received", number(clients.payload_bytes_received)},
      {"$SYS/broker/publish/bytes/sent", number(clients.payload_bytes_sent)},
      {"$SYS/broker/bytes/received", number(clients.bytes_received)},
      {"$SYS/broker/bytes/sent", number(clients.bytes_sent)},
      {"$SYS/broker/subscriptions/count", number(state.subscriptions)},
      {"$SYS/broker/retained messages/count", number(state.retained)},
      {"$SYS/broker/store/messages/count", stored},
      {"$SYS/broker/store/messages/bytes", number(state.queued_bytes + state.retained_bytes)},
      {"$SYS/broker/tandemq/node", status.node},
      {"$SYS/broker/tandemq/role", repl::to_string(status.replica.role)},
      {"$SYS/broker/tandemq/pair_state", repl::to_string(status.replica.pair_state)},
  };
}

}  // namespace

void SysTopics::add_loads(const NodeStatus& status, Topics& topics) {
  if (status.uptime_ms == loaded_ms_) return;
  const double seconds = static_cast<double>(status.uptime_ms - loaded_ms_) / 1000;
  loaded_ms_ = status.uptime_ms;
  const ClientCounters& clients = status.clients;
  const std::pair<const char*, std::uint64_t> counters[] = {
      {"bytes/received", clients.bytes_received},
      {"bytes/sent", clients.bytes_sent},
      {"connections", clients.connects},
      {"messages/received", clients.packets_received},
      {"messages/sent", clients.packets_sent},
      {"publish/dropped", publishes_dropped(status)},
      {"publish/received", publishes_received(status)},
      {"publish/sent", clients.publishes_sent},
      {"sockets", clients.accepted},
  };
  for (const auto& [name, count] : counters) {
    LoadAverage& load = loads_[name];
    load.add(count, seconds);
    for (std::size_t i = 0; i < load.means().size(); ++i) {
      char mean[32];
      std::snprintf(mean, sizeof mean, "%.2f", load.means()[i]);
      topics[std::string("$SYS/broker/load/") + name + "/" +
             std::to_string(LoadAverage::kMinutes[i]) + "min"] = mean;
    }
  }
}

void SysTopics::publish(const NodeStatus& status, core::Engine& engine, TimeMs now,
                        core::Effects& out) {
  Topics topics = figures(status);
  clients_max_ = std::max(clients_max_, status.state.sessions_connected);
  topics["$SYS/broker/clients/maximum"] = std::to_string(clients_max_);
  add_loads(status, topics);
  for (const auto& [topic, payload] : topics) {
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
