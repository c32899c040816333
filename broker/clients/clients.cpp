#include "broker/clients/clients.h"

#include <algorithm>
#include <utility>

#include "broker/clients/client_log.h"
#include "broker/clients/limits.h"

namespace tandemq::broker {
namespace {

constexpr std::uint32_t kForEver = 1u << 30;
constexpr TimeMs kMsPerS = 1'000;

// Unsent bytes to all clients, above which each may have few.
std::size_t unsent_all_max(const net::ConnectionLimits& limits) {
  if (limits.memory_max == 0) return kUnsentAllMax;
  return std::min<std::size_t>(kUnsentAllMax, limits.memory_max / 4);
}

// Until the end of what it came in by, rounded up.
std::uint32_t seconds_left(const Client& client, TimeMs now) {
  if (client.ends_ms == 0) return kForEver;
  if (client.ends_ms <= now) return 0;
  return static_cast<std::uint32_t>(
      std::min<TimeMs>((client.ends_ms - now - 1) / kMsPerS + 1, kForEver - 1));
}

}  // namespace

Clients::Clients(Around around, std::vector<Entrance> entrances)
    : limits_(around.limits),
      connections_(around.connections),
      quotas_(connections_),
      clock_(around.clock),
      turn_(around.turn),
      entrances_(std::move(entrances)),
      writer_(limits_, turn_, counters_),
      stages_(table_, writer_, turn_),
      share_(table_, turn_, std::move(around.end_turn_early)),
      deliverer_(reign_, table_, stages_, writer_, share_, pool_.sending.traffic, turn_, counters_,
                 unsent_all_max(connections_)),
      pause_(table_, share_, deliverer_.outbox(), turn_, counters_),
      gate_(connections_, table_, share_, turn_, counters_),
      connect_(reign_, table_, stages_, share_, deliverer_, turn_, counters_, around.authenticator,
               quotas_),
      exchange_(stages_, writer_, connect_, counters_, around.authenticator),
      dispatch_(reign_, stages_, deliverer_, connect_, exchange_, turn_, counters_),
      intake_(stages_, share_, pause_, gate_, dispatch_, writer_, turn_, counters_),
      review_(reign_, table_, stages_, turn_, around.authenticator) {
  for (std::size_t i = 0; i < entrances_.size(); ++i) {
    entrances_[i].door = static_cast<Door>(i);
  }
}

Clients::~Clients() {
  close_all();
}

void Clients::close_all() {
  table_.each([this](Client& client) { stages_.drop(client); });
}

void Clients::begin_reign(core::Engine* engine, Lsn committed) {
  reign_ = {engine, committed};
  engine->refuse_growth(memory_ != MemoryState::ample);
  connect_.begin_reign();
}

void Clients::end_reign(mqtt::Reason reason) {
  reign_.engine = nullptr;
  deliverer_.drop_all();
  table_.each([&](Client& client) { stages_.dismiss(client, reason); });
  stages_.take_detached();
  share_.forget_backlog();
  pause_.reset();
  gate_.reset();
  flush();
}

bool Clients::accept(std::size_t entrance, std::unique_ptr<net::Transport> transport) {
  turn_.begin(clock_);
  ++counters_.accepted;
  if (!reign_.engine) return false;  // the reign ended a moment ago
  Entrance& through = entrances_[entrance];
  // Whose address is known later is counted then, as late as `look_at`.
  const std::string address = through.behind_proxy ? std::string() : transport->peer_address();
  if (const char* full = full_at(through, address)) {
    ++counters_.refused_full;
    log(LogLevel::warning, "connection_refused",
        {{"address", transport->peer_address()},
         {"listener", through.name},
         {"reason", full},
         {"connections", through.connections}});
    return false;
  }
  Client& client =
      stages_.open(std::move(transport), *this, pool_, through, limits_.maximum_packet_size);
  client.place = quotas_.wait(address);
  if (log_enabled(LogLevel::debug)) {
    log(LogLevel::debug, "connection_opened", {{"address", client.channel.peer_address()}});
  }
  share_.end_callback();
  return true;
}

// Null when there is room for one more.
const char* Clients::full_at(const Entrance& through, const std::string& address) const {
  if (connections_.total != 0 && table_.size() >= connections_.total)
    return "limits.connections_max is reached";
  if (through.connections >= through.connections_max) return "listener.connections_max is reached";
  return quotas_.crowded(address);
}

void Clients::tick() {
  turn_.begin(clock_);
  gate_.resume();
}

void Clients::memory(MemoryState state) {
  memory_ = state;
  gate_.memory(state);
  if (reign_.engine) reign_.engine->refuse_growth(state != MemoryState::ample);
}

// Nothing acknowledged is lost by it: sessions that stay keep what they have not got.
void Clients::free_buffers(std::uint64_t bytes) {
  pool_.sending.drop_spare();
  if (bytes == 0) return;
  std::vector<std::pair<std::size_t, core::ConnId>> heavy;
  table_.each([&heavy](const Client& client) {
    const std::size_t kept = client.enhanced ? client.enhanced->connect.size() : 0;
    const std::size_t held = client.channel.unsent() + client.channel.rest() + kept;
    if (held > kUnsentCrowded) heavy.emplace_back(held, client.id);
  });
  std::sort(heavy.rbegin(), heavy.rend());
  turn_.begin(clock_);
  std::uint64_t freed = 0;
  for (const auto& [held, id] : heavy) {
    if (freed >= bytes) break;
    freed += held;
    Client& client = *table_.find(id);
    ++counters_.slow_readers_closed;
    log_heavy(client, held);
    stages_.lost(client);
  }
  deliverer_.settle();
}

void Clients::channel_readable(std::uint64_t id) {
  turn_.begin(clock_);
  intake_.readable(*table_.find(id));
  end_callback();
}

void Clients::channel_writable(std::uint64_t id) {
  turn_.begin(clock_);
  intake_.writable(*table_.find(id));
  share_.end_callback();
}

void Clients::channel_lost(std::uint64_t id) {
  turn_.begin(clock_);
  Client& client = *table_.find(id);
  log_lost(client);
  stages_.lost(client);
  deliverer_.settle();
  share_.end_callback();
}

void Clients::end_callback() {
  deliverer_.settle();
  counters_.callback_ns_max = std::max(counters_.callback_ns_max, share_.end_callback());
  pause_.weigh();
  if (pool_.sending.flush_due()) flush();
}

void Clients::work_backlog() {
  if (sweeping_) sweep();
  if (review_.pending()) {
    turn_.begin(clock_);
    review_.go_on();
    deliverer_.settle();
  }
  if (pause_.on()) return;
  share_.work_backlog([this](Client& client) {
    turn_.begin(clock_);
    intake_.go_on(client);
    end_callback();
  });
}

void Clients::committed(Lsn lsn, std::size_t uncommitted_bytes) {
  if (lsn <= reign_.committed) return;
  reign_.committed = lsn;
  if (!deliverer_.outbox().empty()) {
    turn_.begin(clock_);
    deliverer_.release();
  }
  pause_.uncommitted(uncommitted_bytes);
}

void Clients::end_turn() {
  share_.end_turn();
  flush();
}

void Clients::flush() {
  deliverer_.settle();  // some may have been sent away while effects were released
  pool_.sending.flush();
}

void Clients::sweep() {
  turn_.begin(clock_);
  const std::uint64_t until = turn_.read_ns() + kSweepNs;
  std::size_t ends_left = kEndsPerSweep;
  sweeping_ = !stages_.sweep([&](Client& client) {
    if (look_at(client) == Verdict::ended) --ends_left;
    return ends_left > 0 && turn_.read_ns() < until;
  });
  deliverer_.settle();
}

Clients::Verdict Clients::look_at(Client& client) {
  if (client.stage() < Stage::serving && !client.introduced) return introduce(client);
  switch (client.stage()) {
    case Stage::connecting:
      log_client(LogLevel::info, "connect_timeout", client,
                 "sent no CONNECT in time, disconnecting");
      stages_.dismiss(client, mqtt::Reason::keep_alive_timeout);
      return Verdict::ended;
    case Stage::asking:
      log_client(LogLevel::notice, "connect_timeout", client,
                 "could not be answered in time, disconnecting");
      writer_.refusal(client, mqtt::Reason::server_busy, "log-ins take too long");
      stages_.dismiss(client, mqtt::Reason::server_busy);
      return Verdict::ended;
    case Stage::exchanging:
      log_client(LogLevel::notice, "connect_timeout", client,
                 "has not proven in time who it is, disconnecting");
      writer_.refusal(client, mqtt::Reason::not_authorized, "the authentication takes too long");
      stages_.dismiss(client, mqtt::Reason::not_authorized);
      return Verdict::ended;
    case Stage::closing:
    case Stage::leaving:
      stages_.drop(client);
      return Verdict::ended;
    case Stage::serving:
      break;
  }
  return look_at_served(client);
}

Clients::Verdict Clients::look_at_served(Client& client) {
  const std::uint32_t left = seconds_left(client, turn_.now());
  if (left == 0) {
    log_client(LogLevel::notice, "client_expired", client, "has come to the end of its log-in");
    stages_.dismiss(client, mqtt::Reason::maximum_connect_time, "the log-in has come to its end");
    return Verdict::ended;
  }
  if (client.keep_alive_s == 0) {
    stages_.look_again(client, left);
    return Verdict::stays;
  }
  const std::uint32_t now = turn_.seconds();
  const std::uint32_t silent = client.heard_s + client.keep_alive_s * 3u / 2u + 1;
  const std::uint32_t due = std::min(silent, now + left);
  if (due > now || client.held_back()) {
    stages_.look_again(client, std::max(due, now + 1) - now);
    return Verdict::stays;
  }
  ++counters_.timed_out;
  log_client(LogLevel::notice, "client_timeout", client, "has exceeded timeout, disconnecting");
  stages_.dismiss(client, mqtt::Reason::keep_alive_timeout);
  return Verdict::ended;
}

// By now it is known where a client behind a proxy is, or the proxy has said nothing and counts for
// itself.
Clients::Verdict Clients::introduce(Client& client) {
  client.introduced = true;
  const std::string address = client.channel.peer_address();
  if (const char* full = quotas_.crowded(address)) {
    ++counters_.refused_full;
    log(LogLevel::warning, "connection_refused",
        {{"address", address}, {"listener", client.entrance.name}, {"reason", full}});
    stages_.dismiss(client, mqtt::Reason::quota_exceeded);
    return Verdict::ended;
  }
  client.place = quotas_.wait(address);
  stages_.look_again(client, kConnectTimeoutS - kIntroductionS);
  return Verdict::stays;
}

ClientCounters Clients::counters() const {
  const net::Traffic& traffic = pool_.sending.traffic;
  ClientCounters all = counters_;
  all.bytes_received = traffic.received;
  all.bytes_sent = traffic.sent;
  all.sends = traffic.sends;
  all.unsent_bytes = traffic.unsent;
  return all;
}

ClientFigures Clients::figures() const {
  const Outbox& outbox = deliverer_.outbox();
  return {table_.size(), outbox.size(), outbox.bytes(), pause_.overloaded()};
}

}  // namespace tandemq::broker
