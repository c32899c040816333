// The agent: the machine of failover/core with its eyes and hands. One loop, nothing in it waits.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>

#include "broker/base/result.h"
#include "broker/support/control_server.h"
#include "failover/core/fsm.h"
#include "failover/core/keepalived_care.h"
#include "failover/shell/address_watch.h"
#include "failover/shell/announcer.h"
#include "failover/shell/broker_client.h"
#include "failover/shell/config.h"
#include "failover/shell/gateway.h"
#include "failover/shell/history.h"
#include "failover/shell/keepalived_watch.h"
#include "failover/shell/loop.h"
#include "failover/shell/memory_file.h"
#include "failover/shell/metrics.h"
#include "failover/shell/notify_fifo.h"
#include "failover/shell/peer_link.h"
#include "failover/shell/timeline.h"
#include "failover/shell/track_file.h"
#include "failover/shell/webhook.h"

namespace tandemq::failover {

class Agent {
 public:
  static Result<std::unique_ptr<Agent>> open(event_base* base, const AgentConfig& config);

  // The answer to the control socket's `status` (docs/control-protocol.md).
  nlohmann::json status() const;

 private:
  Agent(event_base* base, const AgentConfig& config);
  Status start();
  void make_folders() const;
  Status start_network();

  // Events are handled one after the other, also those that an action brings about at once.
  void post(EventKind kind, decltype(Event::data) data = {});
  void carry_out(const Actions& actions);
  void carry_out(const Action& action);
  void on_transition(const Action& action);
  void on_broker(EventKind kind, const decltype(Event::data)& data);
  void on_notification(const Notification& n);
  void tick();
  void refresh();
  void care_for_keepalived();

  void on_line(ControlServer::ClientId client, std::string_view line);
  void on_request(ControlServer::ClientId client, const nlohmann::json& request);
  void on_order(ControlServer::ClientId client, const nlohmann::json& request, EventKind kind);
  void reply(const Action& action);
  void answer(ControlServer::ClientId client, const nlohmann::json& id, nlohmann::json body);
  std::string summary() const;
  std::string pair_summary() const;
  std::vector<std::string> impairments() const;

  event_base* base_;
  AgentConfig config_;
  MemoryFile memory_;
  const Remembered life_before_;
  Machine machine_;
  History history_;
  std::unique_ptr<AgentMetrics> metrics_;
  std::unique_ptr<Timeline> timeline_;
  Webhook webhook_;
  std::unique_ptr<TrackFile> track_;
  std::unique_ptr<NotifyFifo> fifo_;
  std::unique_ptr<AddressWatch> address_;
  std::unique_ptr<Announcer> announcer_;
  KeepalivedWatch keepalived_;
  KeepalivedCare care_;
  std::unique_ptr<PeerLink> peer_;
  std::unique_ptr<Gateway> gateway_;
  BrokerClient broker_;
  std::unique_ptr<ControlServer> control_;
  Timer tick_, heartbeat_, refresh_;

  std::deque<Event> queue_;
  bool handling_ = false;
  TimeMs ticked_at_ = 0;
  std::uint64_t next_request_ = 1;
  std::map<std::uint64_t, std::pair<ControlServer::ClientId, std::string>> requests_;
};

}  // namespace tandemq::failover
