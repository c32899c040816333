// The agent's control socket: what tandemqctl asks.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "failover/core/impairments.h"
#include "failover/shell/agent.h"

namespace tandemq::failover {
namespace {

using nlohmann::json;

json differences_json(const PeerLink::Meeting& meeting) {
  json out = json::array();
  for (const auto& one : meeting.differences) {
    out.push_back({{"setting", one.setting}, {"here", one.here}, {"there", one.there}});
  }
  return out;
}

json peer_json(const std::string& node, const PeerLink::Meeting& meeting, const Report& r) {
  return {
      {"node", node},
      {"version", meeting.software},
      {"clock_ahead_ms", meeting.clock_ahead_ms ? json(*meeting.clock_ahead_ms) : json(nullptr)},
      {"state", to_string(r.phase)},
      {"broker_alive", r.broker_alive},
      {"role", to_string(r.role)},
      {"pair_state", to_string(r.pair_state)},
      {"epoch", r.epoch},
      {"last_lsn", r.last_lsn},
      {"in_sync", r.in_sync},
      {"was_solo", r.was_solo},
      {"vrrp", to_string(r.vrrp)},
      {"keepalived_alive", r.keepalived_alive},
      {"holds_address", r.holds_address},
      {"released", r.released}};
}

}  // namespace

json Agent::status() const {
  const State& s = machine_.state();
  const Facts& f = s.facts;
  const PeerLink::Meeting meeting = peer_->meeting();
  json heard = json::object();
  for (const auto& path : peer_->paths()) {
    heard[path.address] =
        path.heard_at == 0 ? json(-1) : json(f.now - std::min(f.now, path.heard_at));
  }
  json agent{{"node", config_.node},
             {"peer", config_.peer},
             {"state", to_string(s.phase)},
             {"reason", s.why},
             {"waiting_for", machine_.waiting_for()},
             {"since_ms", f.now - s.since},
             {"authority", machine_.authority().name()},
             {"vrrp", to_string(f.vrrp)},
             {"holds_address", f.holds_address},
             {"eligible", s.eligible},
             {"interface_up", f.interface_up},
             {"gateway_answers", f.gateway_answers},
             {"keepalived_pid", keepalived_.pid()},
             {"broker_pid", broker_.pid()},
             {"peer_heard_ms", heard},
             {"peer_fresh", word_is_fresh(s, machine_.settings())},
             {"impairments", impairments()},
             {"addresses", config_.addresses},
             {"version", TANDEMQ_VERSION},
             {"pid", getpid()},
             {"peer_refused", meeting.refused},
             {"settings_differ", differences_json(meeting)}};
  json broker = nullptr;
  if (f.broker_connected && broker_.status().is_object()) broker = broker_.status();
  return {{"agent", agent},
          {"broker", broker},
          {"peer", f.peer_known ? peer_json(config_.peer, meeting, f.peer) : json(nullptr)},
          {"summary", summary()}};
}

std::vector<std::string> Agent::impairments() const {
  return failover::impairments(machine_.state(), machine_.settings(), config_.node, config_.peer);
}

std::string Agent::summary() const {
  const auto impaired = impairments();
  const std::string pair = pair_summary();
  return impaired.empty() ? pair : pair + "; a failover might fail: " + impaired.front();
}

std::string Agent::pair_summary() const {
  const State& s = machine_.state();
  const BrokerStatus& b = s.facts.broker;
  const std::string& waits = machine_.waiting_for();
  const std::string why = s.why + (waits.empty() ? "" : "; " + waits);
  if (s.phase == Phase::primary && s.facts.broker_connected) {
    switch (b.pair_state) {
      case PairState::paired:
        return config_.node + " serves, " + config_.peer + " confirms all";
      case PairState::solo:
        return config_.node + " serves alone; " + config_.peer + " is not in sync";
      case PairState::resyncing:
        return config_.node + " serves, " + config_.peer + " is catching up";
      case PairState::waiting:
        break;
    }
  }
  if (s.phase == Phase::standby) return config_.node + " follows, holds all that is acknowledged";
  return config_.node + " is " + to_string(s.phase) + ": " + why;
}

void Agent::answer(ControlServer::ClientId client, const json& id, json body) {
  body["id"] = id;
  control_->send(client, body.dump(-1, ' ', false, json::error_handler_t::replace));
}

void Agent::on_line(ControlServer::ClientId client, std::string_view line) {
  const json request = json::parse(line, nullptr, false);
  try {
    if (!request.is_object()) throw json::other_error::create(501, "no object", nullptr);
    on_request(client, request);
  } catch (const json::exception&) {
    answer(client, nullptr,
           {{"ok", false},
            {"code", "bad_request"},
            {"error",
             "each line must be one JSON object with cmd and id; see "
             "docs/control-protocol.md"}});
    control_->close_after_send(client);
  }
}

void Agent::on_request(ControlServer::ClientId client, const json& request) {
  const json id = request.contains("id") ? request["id"] : json(nullptr);
  const std::string command = request.at("cmd").get<std::string>();
  if (command == "ping") return answer(client, id, {{"ok", true}});
  if (command == "status") {
    json body = status();
    body["ok"] = true;
    return answer(client, id, std::move(body));
  }
  if (command == "history") {
    const std::size_t limit = request.value("limit", std::size_t{20});
    json changes = json::array();
    const auto& all = history_.changes();
    for (std::size_t i = all.size() - std::min(limit, all.size()); i < all.size(); ++i) {
      changes.push_back(to_json(all[i]));
    }
    return answer(client, id, {{"ok", true}, {"changes", changes}});
  }
  if (command == "promote") return on_order(client, request, EventKind::operator_promote);
  if (command == "solo") return on_order(client, request, EventKind::operator_solo);
  if (command == "switchover") return on_order(client, request, EventKind::operator_switchover);
  answer(client, id,
         {{"ok", false},
          {"code", "unknown_command"},
          {"error", "unknown command '" + command + "'; see docs/control-protocol.md"}});
}

void Agent::on_order(ControlServer::ClientId client, const json& request, EventKind kind) {
  OperatorOrder order;
  order.request = next_request_++;
  order.force = request.value("force", false);
  const json id = request.contains("id") ? request["id"] : json(nullptr);
  requests_[order.request] = {client, id.dump()};
  post(kind, order);
}

void Agent::reply(const Action& a) {
  const auto found = requests_.find(a.request);
  if (found == requests_.end()) return;
  const auto [client, id] = found->second;
  requests_.erase(found);
  json body{{"ok", a.on}};
  if (a.on) {
    body["result"] = a.why;
  } else {
    body["error"] = a.why;
    body["code"] = "refused";
  }
  answer(client, json::parse(id, nullptr, false), std::move(body));
}

}  // namespace tandemq::failover
