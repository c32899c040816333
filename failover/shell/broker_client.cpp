#include "failover/shell/broker_client.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "broker/support/log.h"
#include "failover/shell/hang_up.h"
#include "failover/shell/status_parse.h"

namespace tandemq::failover {
namespace {

using nlohmann::json;

constexpr std::uint64_t kPollMs = 5;
constexpr std::size_t kLineMax = 64 << 10;
constexpr std::size_t kLastWordsMax = 1 << 20;

json request_of(const Action& a) {
  json r{{"cmd", to_string(a.order)}, {"reason", a.why}};
  if (a.order == Order::promote) {
    r["epoch"] = a.epoch;
    r["force"] = a.on;
    if (a.deadline != 0) r["deadline_ms"] = a.deadline;
  }
  if (a.order == Order::solo) r["authority"] = a.by;
  if (a.change != 0) r["change"] = a.change;
  return r;
}

}  // namespace

BrokerClient::BrokerClient(event_base* base, BrokerClientConfig config, OnEvent on_event)
    : base_(base),
      config_(std::move(config)),
      on_event_(std::move(on_event)),
      process_(base, [this] { process_died(); }),
      timer_(base, [this] { tick(); }),
      health_(config_.timeout_ms),
      status_(std::make_unique<json>()) {}

BrokerClient::~BrokerClient() {
  if (channel_) bufferevent_free(channel_);
}

void BrokerClient::start(const ProcessId& before) {
  ticked_at_ = boottime_ms();
  const bool lives = before.pid != 0 && identify(before.pid) == before;
  if (lives && process_.watch(before.pid)) health_.disconnected(ticked_at_);
  timer_.every(kPollMs);
  connect();
}

void BrokerClient::connect() {
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!fd || config_.socket.size() >= sizeof(address.sun_path)) return;
  std::memcpy(address.sun_path, config_.socket.c_str(), config_.socket.size() + 1);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    const bool nobody = errno == ENOENT || errno == ECONNREFUSED;
    if (nobody && !process_.watching() && !absence_told_) {
      absence_told_ = true;
      tell(EventKind::broker_lost);
    }
    return;
  }
  ucred peer{};
  socklen_t size = sizeof(peer);
  const bool known = getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  if (!known || (buried_ && peer.pid == process_.pid())) return;
  if (peer.pid != process_.pid() && !process_.watch(peer.pid)) return;
  buried_ = false;
  channel_ = bufferevent_socket_new(base_, fd.release(), BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(
      channel_, [](bufferevent*, void* self) { static_cast<BrokerClient*>(self)->read(); }, nullptr,
      [](bufferevent*, short, void* self) {
        auto* client = static_cast<BrokerClient*>(self);
        client->read_last_words();  // a write that failed says nothing of what can be read
        client->disconnect("the broker closed the control connection");
      },
      this);
  bufferevent_enable(channel_, EV_READ | EV_WRITE);
  connected();
}

void BrokerClient::connected() {
  health_.connected(boottime_ms());
  ping_id_ = next_id_;
  call_for_status("watch");
}

void BrokerClient::call_for_status(const char* command) {
  const TimeMs now = boottime_ms();
  status_due_ = now + config_.status_ms;
  status_calls_.emplace(next_id_, now);
  send({{"cmd", command}});
}

void BrokerClient::ask_status() {
  if (channel_ && health_.known()) call_for_status("status");
}

void BrokerClient::send(const json& request) {
  json r = request;
  r["id"] = next_id_++;
  const std::string line = r.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  bufferevent_write(channel_, line.data(), line.size());
}

void BrokerClient::order(const Action& action) {
  if (!channel_) {
    return tell(EventKind::order_done,
                OrderDone{action.order, false, true, 0, 0, "no connection to the broker"});
  }
  orders_[next_id_] = action.order;
  send(request_of(action));
}

void BrokerClient::kill() {
  if (process_.kill()) return;
  log(LogLevel::error, "kill_failed",
      {{"pid", process_.pid()},
       {"reason", std::strerror(errno)},
       {"remedy", "the agent needs CAP_KILL or the broker's user"}});
}

void BrokerClient::tick() {
  const TimeMs now = boottime_ms();
  // What was missed while this process stood still cannot be held against the broker.
  if (now > ticked_at_ + 100) health_.stood_still(now);
  ticked_at_ = now;
  if (!buried_ && process_.is_spent()) return bury();
  if (!channel_) {
    connect();
    if (channel_) return;
    if (process_.watching() && health_.lost_for_long(now)) tell(EventKind::broker_hung);
    return;
  }
  if (now >= status_due_) ask_status();
  judge_health(now);
}

void BrokerClient::judge_health(TimeMs now) {
  if (!health_.waits()) {
    if (now < ping_due_) return;
    ping_id_ = next_id_;
    health_.called(now);
    use_at_ping_ = processor_use(process_.pid());
    ping_due_ = now + config_.interval_ms;
    return send({{"cmd", "ping"}});
  }
  const auto starved = [this, now](TimeMs since) { return is_starved(since, now); };
  if (health_.hung(now, starved)) tell(EventKind::broker_hung);
}

bool BrokerClient::is_starved(TimeMs since, TimeMs now) const {
  const std::optional<ProcessorUse> use = processor_use(process_.pid());
  return use && use_at_ping_ && starved(*use_at_ping_, *use, now - since);
}

void BrokerClient::read() {
  evbuffer* in = bufferevent_get_input(channel_);
  while (channel_) {
    std::size_t size = 0;
    char* line = evbuffer_readln(in, &size, EVBUFFER_EOL_LF);
    if (!line) break;
    const std::string text(line, size);
    free(line);
    on_line(text);
  }
  if (channel_ && evbuffer_get_length(in) > kLineMax) disconnect("a line without end");
}

void BrokerClient::on_line(std::string_view line) {
  const json message = json::parse(line, nullptr, false);
  if (!message.is_object()) return disconnect("a line that is no JSON object");
  try {
    on_message(message);
  } catch (const json::exception&) {
    disconnect("a message of the wrong shape");
  }
}

void BrokerClient::on_message(const json& message) {
  if (message.contains("event")) {
    if (message.contains("status")) heard(message["status"], 0);
    return;
  }
  const auto id = message.find("id");
  if (id == message.end() || !id->is_number_unsigned()) return;
  on_answer(id->get<std::uint64_t>(), message);
}

void BrokerClient::on_answer(std::uint64_t id, const json& answer) {
  if (id == ping_id_) {
    ping_id_ = 0;
    health_.answered();
  }
  if (const auto order = orders_.find(id); order != orders_.end()) {
    OrderDone done;
    done.order = order->second;
    orders_.erase(order);
    done.ok = answer.value("ok", false);
    done.refused = !done.ok;
    if (!done.ok) done.error = answer.value("error", "refused without a reason");
    const auto number = [&](const char* name) {
      const auto found = answer.find(name);
      return found != answer.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
    };
    done.epoch = number("epoch");
    done.change = number("change");
    return tell(EventKind::order_done, done);
  }
  if (answer.contains("status")) heard(answer["status"], asked_at(id));
}

// When the call was sent that this answers: a slow broker answers one after the next was sent.
TimeMs BrokerClient::asked_at(std::uint64_t id) {
  const auto call = status_calls_.find(id);
  if (call == status_calls_.end()) return 0;
  const TimeMs at = call->second;
  status_calls_.erase(status_calls_.begin(), std::next(call));
  return at;
}

void BrokerClient::heard(const json& status, TimeMs asked_at) {
  *status_ = status;
  BrokerStatus parsed = parse_status(status);
  parsed.asked_at = asked_at;
  const bool first = !health_.known();
  health_.heard(parsed, status.value("busy", "") != "", boottime_ms());
  absence_told_ = false;
  tell(first ? EventKind::broker_up : EventKind::broker_status, parsed);
}

void BrokerClient::disconnect(const std::string& why) {
  if (!channel_) return;
  bufferevent_free(channel_);
  channel_ = nullptr;
  ping_id_ = 0;
  status_calls_.clear();
  health_.disconnected(boottime_ms());
  log(LogLevel::warning, "broker_disconnected", {{"reason", why}});
  tell(EventKind::broker_disconnected);
  const auto orders = std::move(orders_);
  orders_.clear();
  for (const auto& [id, order] : orders) {
    tell(EventKind::order_done, OrderDone{order, false, false, 0, 0, why});
  }
}

// Its socket stays open until the kernel lets go of it: nothing that it says counts any more.
void BrokerClient::bury() {
  log(LogLevel::warning, "broker_spent",
      {{"pid", process_.pid()},
       {"reason",
        "killed, its threads are dead or wait for a disk that stands still: counts as dead"}});
  hang_up_for_it();
  process_died();
  buried_ = true;
}

// Its clients would wait for answers, and new ones be taken by its kernel, until the disk is back.
// On a thread that nobody waits for: it may have to wait for the broker.
void BrokerClient::hang_up_for_it() const {
  std::vector<std::uint16_t> ports;
  for (const json& port : status_->is_object() ? status_->value("ports", json::array()) : json())
    if (port.is_number_unsigned()) ports.push_back(port.get<std::uint16_t>());
  if (ports.empty()) return;
  std::thread([ports] {
    if (const Status done = hang_up(ports); !done)
      log(LogLevel::warning, "clients_not_hung_up", {{"reason", done.error().message}});
  }).detach();
}

// libevent takes in a piece at a time; what the process wrote before it died can be read still.
void BrokerClient::read_last_words() {
  const int fd = bufferevent_getfd(channel_);
  evbuffer* words = evbuffer_new();
  evbuffer_add_buffer(words, bufferevent_get_input(channel_));
  while (evbuffer_get_length(words) < kLastWordsMax && evbuffer_read(words, fd, -1) > 0) {
  }
  std::size_t size = 0;
  for (char* line;
       channel_ && (line = evbuffer_readln(words, &size, EVBUFFER_EOL_LF)) != nullptr;) {
    const std::string text(line, size);
    free(line);
    on_line(text);
  }
  evbuffer_free(words);
}

void BrokerClient::process_died() {
  if (std::exchange(buried_, false)) return;  // told already
  if (channel_) {
    read_last_words();
    if (channel_) bufferevent_free(channel_);
    channel_ = nullptr;
  }
  orders_.clear();
  status_calls_.clear();
  ping_id_ = 0;
  health_.ended();
  absence_told_ = true;
  *status_ = json();
  tell(EventKind::broker_lost);
}

}  // namespace tandemq::failover
