#include "failover/ctl/render.h"

#include <nlohmann/json.hpp>

namespace tandemq::failover {
namespace {

using nlohmann::json;

std::string text(const json& object, const char* key, const char* missing = "-") {
  if (!object.is_object() || !object.contains(key) || object[key].is_null()) return missing;
  const json& value = object[key];
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.dump();
}

std::uint64_t number(const json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_number()) return 0;
  return object[key].get<std::uint64_t>();
}

std::string seconds(std::uint64_t ms) {
  std::string tenths = std::to_string(ms / 100);
  if (tenths.size() < 2) tenths.insert(0, "0");
  return tenths.insert(tenths.size() - 1, ".") + " s";
}

// "1 session", "2 sessions"
std::string counted(const json& object, const char* key, const std::string& noun) {
  return text(object, key) + " " + noun + (number(object, key) == 1 ? "" : "s");
}

std::string epoch(const json& object) {
  return "epoch " + std::to_string(number(object, "epoch") >> 8);
}

void row(std::string& out, const std::string& name, const std::string& value) {
  out += "  " + name + std::string(name.size() < 16 ? 16 - name.size() : 1, ' ') + value + "\n";
}

// An agent reports what it last heard of its broker, also when that is gone.
bool is_there(const json& report) {
  return report.is_object() && report.value("broker_alive", true);
}

bool is_primary(const json& report) {
  return is_there(report) && text(report, "role") == "primary";
}

void render_differences(std::string& out, const json& object) {
  for (const json& one : object.value("settings_differ", json::array())) {
    row(out, "differs",
        text(one, "setting") + " is " + text(one, "here") + " here and " + text(one, "there") +
            " on the peer");
  }
}

void render_broker(std::string& out, const json& broker) {
  if (!broker.is_object()) return row(out, "broker", "does not answer");
  row(out, "broker",
      text(broker, "role") + ", " + text(broker, "pair_state") + " for " +
          seconds(number(broker, "since_ms")) + ", " + epoch(broker));
  row(out, "because", text(broker, "reason"));
  row(out, "records",
      "last " + text(broker, "last_lsn") + ", committed " + text(broker, "committed_lsn") +
          ", commit rule " + text(broker, "commit"));
  if (is_primary(broker) && broker.value("peer_connected", false)) {
    const std::uint64_t last = number(broker, "last_lsn");
    const std::uint64_t held = number(broker, "peer_received_lsn");
    row(out, "standby",
        "holds record " + std::to_string(held) + ", " +
            std::to_string(last > held ? last - held : 0) + " behind");
  }
  if (text(broker, "pair_state") == "resyncing")
    row(out, "resync",
        std::to_string(static_cast<int>(broker.value("resync_progress", 0.0) * 100)) + " %");
  row(out, "in sync", text(broker, "in_sync"));
  row(out, "version", text(broker, "version") + ", writes " + text(broker, "agreed"));
  if (!text(broker, "peer_refused", "").empty())
    row(out, "does not pair", text(broker, "peer_refused"));
  render_differences(out, broker);
  row(out, "clients",
      text(broker, "connections") + " connected, " + counted(broker, "sessions", "session") + ", " +
          counted(broker, "subscriptions", "subscription"));
  row(out, "messages",
      text(broker, "queued") + " queued, " + text(broker, "retained") + " retained");
}

void render_agent(std::string& out, const json& agent) {
  row(out, "agent",
      text(agent, "state") + " for " + seconds(number(agent, "since_ms")) + ", authority " +
          text(agent, "authority"));
  row(out, "because", text(agent, "reason"));
  for (const json& one : agent.value("impairments", json::array()))
    row(out, "impaired", one.is_string() ? one.get<std::string>() : one.dump());
  if (!text(agent, "waiting_for", "").empty()) row(out, "waits for", text(agent, "waiting_for"));
  if (!text(agent, "peer_refused", "").empty()) row(out, "not heard", text(agent, "peer_refused"));
  render_differences(out, agent);
  row(out, "VRRP",
      (number(agent, "keepalived_pid") == 0 ? "keepalived does not run" : text(agent, "vrrp")) +
          (agent.value("holds_address", false) ? ", holds the address"
                                               : ", does not hold the address"));
}

std::string peer_version(const json& broker, const json& peer) {
  const std::string of_broker = text(broker, "peer_version", "");
  const std::string of_agent = text(peer, "version", "");
  if (of_broker.empty() || of_agent.empty() || of_broker == of_agent)
    return of_broker.empty() ? of_agent : of_broker;
  return "broker " + of_broker + ", agent " + of_agent;
}

}  // namespace

// The peer's last word tells of a primary only while it is fresh: hosts die in office.
Health judge(const json& agent_answer, const json& broker) {
  if (!agent_answer.is_object() && !broker.is_object()) return Health::unreachable;
  const json agent = agent_answer.is_object() ? agent_answer.value("agent", json()) : json();
  const bool fresh = agent.is_object() && agent.value("peer_fresh", true);
  const json peer = fresh ? agent_answer.value("peer", json()) : json();
  const bool primary = is_primary(broker) || is_primary(peer);
  if (!primary) return Health::no_primary;
  if (broker.is_object() && broker.value("single", false)) return Health::good;
  const json& reigning = is_primary(broker) ? broker : peer;
  const bool impaired = agent.is_object() && !agent.value("impairments", json::array()).empty();
  const bool whole = broker.is_object() && agent_answer.is_object() && !impaired;
  return whole && text(reigning, "pair_state") == "paired" ? Health::good : Health::degraded;
}

std::string render_status(const json& agent_answer, const json& broker) {
  std::string out;
  if (agent_answer.is_object()) {
    out += text(agent_answer, "summary") + "\n\n";
  } else if (broker.is_object() && broker.value("single", false)) {
    out += "A broker by itself: no agent answers, and it needs none.\n\n";
  } else {
    out += "The agent does not answer: nobody watches this node.\n\n";
  }
  const json agent = agent_answer.is_object() ? agent_answer.value("agent", json()) : json();
  out += "node " + text(agent.is_object() ? agent : broker, "node") + " (this one)\n";
  if (agent.is_object()) render_agent(out, agent);
  render_broker(out, broker);
  if (!agent_answer.is_object()) return out;
  const json peer = agent_answer.value("peer", json());
  out += "node " + text(peer, "node", "(peer)") + " (as its agent reports)\n";
  if (!peer.is_object()) {
    row(out, "agent", "not heard");
    return out;
  }
  row(out, "broker",
      is_there(peer) ? text(peer, "role") + ", " + text(peer, "pair_state") + ", " + epoch(peer)
                     : "not there");
  row(out, "VRRP", text(peer, "vrrp"));
  row(out, "in sync", text(peer, "in_sync"));
  row(out, "version", peer_version(broker, peer));
  const json heard = agent.value("peer_heard_ms", json::object());
  for (const auto& [path, ms] : heard.items())
    row(out, "heard", (ms == -1 ? "never" : ms.dump() + " ms ago") + " over " + path);
  return out;
}

std::string render_force(const json& agent_answer) {
  const json agent = agent_answer.value("agent", json());
  const json broker = agent_answer.value("broker", json());
  const json peer = agent_answer.value("peer", json());
  const std::string node = text(agent, "node"), other = text(agent, "peer");
  std::string out =
      "promote --force makes " + node + " serve with what it has, whatever " + other + " holds.\n";
  out += "  " + node + ": ";
  if (broker.is_object()) {
    out += "record " + text(broker, "last_lsn") + " of " + epoch(broker) +
           ", in sync: " + text(broker, "in_sync") + "\n";
  } else {
    out += "its broker does not answer\n";
  }
  out += "  " + other + ": ";
  if (peer.is_object()) {
    out += std::string(agent.value("peer_fresh", false) ? "says" : "said last") + ": " +
           (is_there(peer) ? text(peer, "role") + ", " + text(peer, "pair_state") : "no broker") +
           ", record " + text(peer, "last_lsn") + " of " + epoch(peer) + "\n";
  } else {
    out += "was never heard\n";
  }
  return out + "What was acknowledged and only " + other +
         " holds is lost for clients; when it returns, that goes into quarantine files there.\n";
}

std::string render_history(const json& changes) {
  if (changes.empty()) return "no change of role is recorded\n";
  std::string out;
  for (const json& change : changes) {
    out += text(change, "time") + "  " + text(change, "from") + " -> " + text(change, "to") +
           "  (" + text(change, "cause") + ")\n    " + text(change, "reason") + "\n";
    std::string phases;
    const auto phase = [&](const char* key, const char* name) {
      if (!change.contains(key) || !change[key].is_number() || change[key].get<double>() < 0)
        return;
      phases +=
          (phases.empty() ? "    " : ", ") + std::string(name) + " " + change[key].dump() + " ms";
    };
    phase("detection_ms", "detected in");
    phase("promotion_ms", "promoted in");
    phase("first_client_ms", "first client after");
    phase("sessions_95_ms", "95 % of sessions after");
    if (!phases.empty()) out += phases + "\n";
  }
  return out;
}

}  // namespace tandemq::failover
