// The agent's end of the broker's control socket: orders, announcements, health through the
// broker's own loop, and the process behind the socket. Nothing here waits; a broker that hangs or
// dies is an event.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "failover/core/action.h"
#include "failover/core/health.h"
#include "failover/shell/loop.h"
#include "failover/shell/process_watch.h"
#include "failover/shell/processor_use.h"

struct bufferevent;

namespace tandemq::failover {

struct BrokerClientConfig {
  std::string socket;
  std::uint32_t interval_ms = 20;  // between health calls
  std::uint32_t timeout_ms = 300;  // then the broker counts as hung
  std::uint32_t status_ms = 200;   // between status calls
};

class BrokerClient {
 public:
  // Gets events of the kinds broker_up, broker_status, broker_disconnected, broker_lost,
  // broker_hung, order_done; and with the first two the whole status object.
  using OnEvent = std::function<void(EventKind kind, const decltype(Event::data)& data)>;
  BrokerClient(event_base* base, BrokerClientConfig config, OnEvent on_event);
  ~BrokerClient();
  BrokerClient(const BrokerClient&) = delete;
  BrokerClient& operator=(const BrokerClient&) = delete;

  // `before`: the process that an earlier life of the agent has watched; while it lives, its broker
  // is not gone, whatever has become of its socket.
  void start(const ProcessId& before = {});
  // Answered by order_done, at once when there is no connection.
  void order(const Action& action);
  // Answered by broker_status; nothing without a connection.
  void ask_status();
  void kill();

  pid_t pid() const { return process_.pid(); }
  ProcessId process() const { return process_.id(); }
  // The last status object as text of JSON, empty when none was heard from the living broker.
  const nlohmann::json& status() const { return *status_; }

 private:
  void connect();
  void connected();
  void tick();
  void judge_health(TimeMs now);
  void read();
  void on_line(std::string_view line);
  void on_message(const nlohmann::json& message);
  void on_answer(std::uint64_t id, const nlohmann::json& answer);
  void call_for_status(const char* command);
  void heard(const nlohmann::json& status, TimeMs asked_at);
  TimeMs asked_at(std::uint64_t id);
  void send(const nlohmann::json& request);
  void disconnect(const std::string& why);
  void process_died();
  void read_last_words();
  void bury();
  void hang_up_for_it() const;
  bool is_starved(TimeMs since, TimeMs now) const;
  void tell(EventKind kind, const decltype(Event::data)& data = {}) { on_event_(kind, data); }

  event_base* base_;
  BrokerClientConfig config_;
  OnEvent on_event_;
  ProcessWatch process_;
  Timer timer_;
  bufferevent* channel_ = nullptr;
  Health health_;
  bool absence_told_ = false;
  bool buried_ = false;  // counts as dead, though the kernel has not let go of it yet
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, Order> orders_;
  std::uint64_t ping_id_ = 0;  // health call without answer, 0 none
  std::optional<ProcessorUse> use_at_ping_;
  TimeMs ping_due_ = 0, status_due_ = 0;
  std::map<std::uint64_t, TimeMs> status_calls_;  // without answer: when they were sent
  TimeMs ticked_at_ = 0;
  std::unique_ptr<nlohmann::json> status_;
};

}  // namespace tandemq::failover
