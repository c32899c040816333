#include "broker/shell/control.h"

#include <ctime>
#include <nlohmann/json.hpp>
#include <set>

#include "broker/shell/control_accounts.h"
#include "broker/shell/status_json.h"
#include "broker/support/control_server.h"

namespace tandemq::broker {
namespace {

using nlohmann::json;

// Thrown by nobody but the JSON library for wrong types; answered as bad_request.
template <class T>
T argument(const json& request, const char* name, T otherwise) {
  const auto found = request.find(name);
  return found == request.end() || found->is_null() ? otherwise : found->get<T>();
}

// Names of files need not be UTF-8.
std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::uint64_t boottime_ms() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

class ControlImpl : public Control {
 public:
  explicit ControlImpl(Orders& orders) : orders_(orders) {}
  Status start(event_base* base, const std::string& path);
  void announce() override;
  void flush() override { server_->flush(); }

 private:
  // Whom to answer. The client may be gone by then.
  struct Caller {
    ControlServer::ClientId client;
    json id;
  };
  void on_line(ControlServer::ClientId client, std::string_view line);
  void run(const Caller& caller, const std::string& command, const json& request);
  bool stale(const Caller& caller, const json& request);
  void promote(const Caller& caller, const json& request);
  void solo(const Caller& caller, const json& request);
  void change_account(const Caller& caller, const json& request);
  void list_accounts(const Caller& caller, const json& request);
  void answer(const Caller& caller, json result);
  void refuse(const Caller& caller, const std::string& why, const char* code);
  void answer_done(const Caller& caller, const Status& status);
  Orders::Answer<Done> later(const Caller& caller) {
    return [this, caller](const Status& status) { answer_done(caller, status); };
  }

  Orders& orders_;
  std::set<ControlServer::ClientId> watchers_;
  std::string announced_;                  // what was told last
  std::unique_ptr<ControlServer> server_;  // last: its end still tells who is gone
};

Status ControlImpl::start(event_base* base, const std::string& path) {
  Result<std::unique_ptr<ControlServer>> server = ControlServer::open(
      base, path,
      [this](ControlServer::ClientId client, std::string_view line) { on_line(client, line); },
      [this](ControlServer::ClientId client) { watchers_.erase(client); });
  if (!server) return server.error();
  server_ = std::move(server).value();
  return Done{};
}

void ControlImpl::announce() {
  const NodeStatus status = orders_.status();
  const repl::ReplicaStatus& replica = status.replica;
  const std::string now = std::string(repl::to_string(replica.role)) + " " +
                          repl::to_string(replica.pair_state) + " " +
                          std::to_string(replica.change) + (replica.peer_connected ? " c" : " -") +
                          (replica.in_sync ? "s" : "-") + status.busy;
  if (now == announced_) return;
  announced_ = now;
  if (watchers_.empty()) return;
  const std::string line = text_of({{"event", "status"}, {"status", to_json(status)}});
  const std::set<ControlServer::ClientId> watchers = watchers_;
  for (const ControlServer::ClientId client : watchers) server_->send(client, line);
}

void ControlImpl::on_line(ControlServer::ClientId client, std::string_view line) {
  const json request = json::parse(line, nullptr, false);
  Caller caller{client, nullptr};
  if (request.is_object() && request.contains("id")) caller.id = request["id"];
  const auto bad = [&](const std::string& why) {
    refuse(caller, why + "; see docs/control-protocol.md", "bad_request");
    server_->close_after_send(client);
  };
  if (!request.is_object()) return bad("each line must be one JSON object of at most 64 KiB");
  try {
    run(caller, argument<std::string>(request, "cmd", ""), request);
  } catch (const json::exception&) {
    bad("an argument has the wrong type");
  }
}

void ControlImpl::run(const Caller& caller, const std::string& command, const json& request) {
  const auto reason = argument<std::string>(request, "reason", "ordered over the control socket");
  if (command == "ping") return answer(caller, json::object());
  if (command == "status") {
    const NodeStatus status = orders_.status();
    json told = to_json(status);
    told["certificates"] = to_json(status.certificates);
    return answer(caller, {{"status", std::move(told)}});
  }
  if (command == "watch") {
    watchers_.insert(caller.client);
    return answer(caller, {{"status", to_json(orders_.status())}});
  }
  if (command == "promote") return promote(caller, request);
  if (command == "solo") return solo(caller, request);
  if (command == "demote") return answer_done(caller, orders_.demote(reason));
  if (command == "lose_sync") return answer_done(caller, orders_.lose_sync(reason));
  if (command == "switchover") return orders_.switchover(reason, later(caller));
  if (command == "leave") return orders_.leave(reason, later(caller));
  if (command == "checkpoint") {
    return orders_.checkpoint([this, caller](const Result<Lsn>& lsn) {
      if (!lsn) return refuse(caller, lsn.error().message, "failed");
      answer(caller, {{"lsn", *lsn}});
    });
  }
  if (command == "hash") {
    return answer(caller, {{"lsn", orders_.status().replica.last}, {"hash", orders_.state_hash()}});
  }
  if (command == "account") return change_account(caller, request);
  if (command == "accounts") return list_accounts(caller, request);
  if (command == "reload") return answer_done(caller, orders_.reload());
  if (command == "shutdown") {
    answer(caller, json::object());
    return orders_.shutdown();
  }
  refuse(caller, "unknown command '" + command + "'; see docs/control-protocol.md",
         "unknown_command");
}

void ControlImpl::promote(const Caller& caller, const json& request) {
  const auto deadline_ms = argument<std::uint64_t>(request, "deadline_ms", 0);
  std::function<bool()> in_time;
  if (deadline_ms != 0) in_time = [deadline_ms] { return boottime_ms() <= deadline_ms; };
  if (in_time && !in_time()) {
    return refuse(caller, "the order to promote came after its deadline; ask for it again",
                  "expired");
  }
  if (stale(caller, request)) return;
  const Result<Epoch> epoch = orders_.promote(
      argument<Epoch>(request, "epoch", 0), argument<bool>(request, "force", false),
      argument<std::string>(request, "reason", "ordered over the control socket"), in_time);
  if (!epoch) return refuse(caller, epoch.error().message, "refused");
  answer(caller, {{"epoch", *epoch}, {"change", orders_.status().replica.change}});
}

// Refuses an order that names another episode than the present one.
bool ControlImpl::stale(const Caller& caller, const json& request) {
  const std::uint64_t change = orders_.status().replica.change;
  if (argument<std::uint64_t>(request, "change", change) == change) return false;
  refuse(caller,
         "role, pair state or claim to be in sync have changed since this was asked for; ask again",
         "stale");
  return true;
}

void ControlImpl::solo(const Caller& caller, const json& request) {
  if (stale(caller, request)) return;
  answer_done(caller, orders_.solo(argument<std::string>(request, "authority", "operator")));
}

void ControlImpl::change_account(const Caller& caller, const json& request) {
  Result<core::AccountOrder> order = account_order_of(request);
  if (!order) return refuse(caller, order.error().message, "refused");
  orders_.change_account(std::move(order).value(), server_->peer_of(caller.client), later(caller));
}

void ControlImpl::list_accounts(const Caller& caller, const json& request) {
  Result<json> found = accounts_asked_for(orders_.accounts(), request);
  if (!found) return refuse(caller, found.error().message, "refused");
  answer(caller, std::move(found).value());
}

void ControlImpl::answer(const Caller& caller, json result) {
  result["id"] = caller.id;
  result["ok"] = true;
  server_->send(caller.client, text_of(result));
}

void ControlImpl::refuse(const Caller& caller, const std::string& why, const char* code) {
  const json result{{"id", caller.id}, {"ok", false}, {"error", why}, {"code", code}};
  server_->send(caller.client, result.dump(-1, ' ', false, json::error_handler_t::replace));
}

void ControlImpl::answer_done(const Caller& caller, const Status& status) {
  if (!status) return refuse(caller, status.error().message, "refused");
  answer(caller, json::object());
}

}  // namespace

Result<std::unique_ptr<Control>> Control::open(event_base* base, const std::string& path,
                                               Orders& orders) {
  auto control = std::make_unique<ControlImpl>(orders);
  Status started = control->start(base, path);
  if (!started) return started.error();
  return std::unique_ptr<Control>(std::move(control));
}

}  // namespace tandemq::broker
