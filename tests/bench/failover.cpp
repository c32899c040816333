#include "tests/bench/failover.h"

#include <signal.h>

#include <algorithm>
#include <random>

#include "tests/bench/command.h"
#include "tests/bench/stamp.h"

namespace tandemq::bench {
namespace {

// Numbers a publisher's stream at one QoS.
constexpr std::size_t source_of(std::uint32_t publisher, std::uint32_t qos) {
  return std::size_t{publisher} * 2 + (qos - 1);
}

volatile sig_atomic_t told_to_end = 0;

// Told once, it loads no longer and gives its verdict; told again, it ends.
void end_when_told() {
  struct sigaction action {};
  action.sa_handler = [](int) { told_to_end = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
}

class Failover final : public ClientEvents {
 public:
  explicit Failover(const FailoverOptions& options);
  Result<Outcome> run();

 private:
  struct Publisher {
    std::string topic;
    std::uint64_t next[3] = {};  // sequence by QoS
    std::uint64_t sent = 0;
  };
  // What is known of a client beside its connection.
  struct Watch {
    std::string filter;  // empty: does not subscribe
    bool subscribed = false;
    bool was_up = false;
    std::uint64_t down_ns = 0;         // when it lost its connection; 0: it has one
    std::vector<std::size_t> streams;  // by source; npos: not this subscriber's
  };

  void on_up(Client& client, bool session_present, std::uint64_t now) override;
  void on_subscribed(Client& client, bool granted) override;
  void on_message(Client& client, const mqtt::Publish& publish, std::uint64_t now) override;
  void on_acknowledged(Client& client, std::uint64_t tag, std::uint64_t sent_ns,
                       std::uint64_t now) override;
  void on_down(Client& client, const char* why, std::uint64_t now) override;

  void add_client(const std::string& name, bool with_will);
  std::string will_topics() const { return "wills/" + options_.common.id_prefix + "/"; }
  void make_clients();
  void assign_topics();
  Status bring_up();
  void load();
  void drain();
  bool complete() const;
  void turn(std::uint64_t deadline_ns);
  void maintain(Client& client, std::uint64_t now);
  void kill_when_due(std::uint64_t now);
  std::uint64_t top_up(std::uint64_t now);
  bool send_one(std::size_t index, std::uint64_t now);
  void progress_line(std::uint64_t now);
  FailoverResult result();

  FailoverOptions options_;
  Loop loop_;
  Address address_;
  Clients clients_;  // publishers, subscribers, and the one that watches for wills
  std::vector<Watch> watches_;
  std::vector<Publisher> publishers_;
  DeliveryCheck check_;
  Timeline timeline_;
  Histogram acknowledgement_;
  Progress progress_;
  Command kill_;
  double kill_at_s_ = -1;
  std::string payload_;
  std::string failure_;
  std::size_t next_publisher_ = 0;
  std::uint64_t next_maintenance_ns_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t skipped_ = 0;  // not sent in time
  std::uint64_t acknowledged_ = 0;
  std::uint64_t acknowledged_at_line_ = 0;
  std::uint64_t sessions_lost_ = 0;
  std::uint64_t failed_attempts_ = 0;
  std::uint64_t false_wills_ = 0;
};

Failover::Failover(const FailoverOptions& options)
    : options_(options),
      check_(std::size_t{options.publishers} * 2),
      progress_(options.common.quiet),
      payload_(options.payload, 'x') {
  if (options_.kill_at.empty()) return;
  if (options_.kill_at == "random") {
    std::random_device random;
    kill_at_s_ = options_.seconds * std::uniform_real_distribution<>(0.2, 0.7)(random);
  } else {
    kill_at_s_ = std::stod(options_.kill_at);
  }
}

void Failover::add_client(const std::string& name, bool with_will) {
  ClientOptions client = options_.common.client(name);
  client.persistent = true;
  client.window = static_cast<std::uint16_t>(options_.window);
  client.keep_alive_s = 10;
  if (with_will) client.will_topic = will_topics() + client.id;
  client.will_delay_s = options_.will_delay_s;
  const auto number = static_cast<std::uint32_t>(clients_.size());
  clients_.push_back(std::make_unique<Client>(loop_, *this, number, client));
  watches_.emplace_back();
}

void Failover::make_clients() {
  for (std::uint32_t i = 0; i < options_.publishers; ++i) {
    add_client("p" + std::to_string(i), options_.wills);
    publishers_.push_back({});
  }
  for (std::uint32_t i = 0; i < options_.subscribers; ++i) {
    add_client("s" + std::to_string(i), options_.wills);
  }
  if (options_.wills) {
    add_client("wills", false);
    watches_.back().filter = will_topics() + "#";
  }
  assign_topics();
}

// Topics are PREFIX/SUBSCRIBER/PUBLISHER, so that one filter is enough for each subscriber. With
// more subscribers than publishers several listen to the same.
void Failover::assign_topics() {
  constexpr auto none = static_cast<std::size_t>(-1);
  const std::string prefix = "failover/" + options_.common.id_prefix;
  const std::uint32_t groups = std::min(options_.publishers, options_.subscribers);
  for (std::uint32_t p = 0; p < options_.publishers; ++p) {
    publishers_[p].topic = prefix + "/" + std::to_string(p % groups) + "/" + std::to_string(p);
  }
  for (std::uint32_t s = 0; s < options_.subscribers; ++s) {
    Watch& watch = watches_[options_.publishers + s];
    watch.filter = prefix + "/" + std::to_string(s % groups) + "/+";
    watch.streams.assign(std::size_t{options_.publishers} * 2, none);
    for (std::uint32_t p = s % groups; p < options_.publishers; p += groups) {
      for (const std::uint32_t qos : {1u, 2u}) {
        watch.streams[source_of(p, qos)] =
            check_.add_stream(source_of(p, qos), static_cast<int>(qos));
      }
    }
  }
}

Status Failover::bring_up() {
  auto address = options_.common.address();
  if (!address) return address.error();
  address_ = *address;
  make_clients();
  const auto ready = [this] {
    return !failure_.empty() ||
           std::all_of(clients_.begin(), clients_.end(), [this](const auto& client) {
             const Watch& watch = watches_[client->number()];
             return client->up() && (watch.filter.empty() || watch.subscribed);
           });
  };
  const std::uint64_t deadline = now_ns() + 120 * ns_per_s;
  while (!ready() && now_ns() < deadline) turn(now_ns() + 10 * ns_per_ms);
  if (!ready()) return Error{"not all clients were connected and subscribed within 120 s"};
  if (!failure_.empty()) return Error{failure_};
  return Done{};
}

void Failover::on_up(Client& client, bool session_present, std::uint64_t now) {
  Watch& watch = watches_[client.number()];
  if (watch.was_up) {
    timeline_.back(now, now - watch.down_ns);
    if (!session_present) {
      ++sessions_lost_;
      watch.subscribed = false;
    }
  }
  watch.was_up = true;
  watch.down_ns = 0;
  if (!watch.filter.empty() && !watch.subscribed) client.subscribe(watch.filter, 2);
}

void Failover::on_subscribed(Client& client, bool granted) {
  watches_[client.number()].subscribed = granted;
  if (!granted) failure_ = "the broker refused a subscription";
}

void Failover::on_down(Client& client, const char* why, std::uint64_t now) {
  Watch& watch = watches_[client.number()];
  if (!watch.was_up || watch.down_ns) {
    ++failed_attempts_;
    return;
  }
  watch.down_ns = now;
  timeline_.down(now);
  if (timeline_.downs() == 1) {
    progress_.line("   first connection lost: " + client.options().id + ", " + why);
  }
}

void Failover::on_message(Client& client, const mqtt::Publish& publish, std::uint64_t) {
  const Watch& watch = watches_[client.number()];
  if (watch.streams.empty()) {
    ++false_wills_;
    return;
  }
  Stamp stamp;
  if (!read_stamp(publish.payload, stamp) || stamp.publisher >= publishers_.size()) return;
  if (stamp.qos < 1 || stamp.qos > 2) return;
  const std::size_t stream = watch.streams[source_of(stamp.publisher, stamp.qos)];
  if (stream != static_cast<std::size_t>(-1)) check_.delivered(stream, stamp.sequence);
}

void Failover::on_acknowledged(Client& client, std::uint64_t tag, std::uint64_t sent_ns,
                               std::uint64_t now) {
  ++acknowledged_;
  acknowledgement_.add(now - sent_ns);
  timeline_.acknowledged(now);
  check_.acknowledged(source_of(client.number(), 1 + (tag & 1)), tag >> 1);
}

bool Failover::send_one(std::size_t index, std::uint64_t now) {
  Publisher& publisher = publishers_[index];
  const std::uint64_t qos = options_.qos == "mixed" ? 1 + publisher.sent % 2
                            : options_.qos == "2"   ? 2
                                                    : 1;
  Client& client = *clients_[index];
  if (!client.can_publish(static_cast<std::uint8_t>(qos))) return false;
  const std::uint64_t sequence = publisher.next[qos]++;
  write_stamp(payload_,
              {now, sequence, static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(qos)});
  mqtt::Publish message;
  message.topic = publisher.topic;
  message.payload = payload_;
  message.qos = static_cast<std::uint8_t>(qos);
  client.publish(message, sequence << 1 | (qos - 1), now);
  ++publisher.sent;
  ++sent_;
  return true;
}

// Keeps to the rate; what could not be sent while the broker was away is not made up for.
std::uint64_t Failover::top_up(std::uint64_t now) {
  const double elapsed_s = seconds(now - timeline_.began_ns());
  const std::uint64_t burst = options_.burst;
  const auto due = (static_cast<std::uint64_t>(elapsed_s * options_.rate) / burst + 1) * burst;
  const auto burst_max = std::max(static_cast<std::uint64_t>(options_.rate / 100) + 1, burst);
  if (due > sent_ + skipped_ + burst_max) skipped_ = due - sent_ - burst_max;
  std::size_t refused = 0;
  while (sent_ + skipped_ < due && refused < publishers_.size()) {
    refused = send_one(next_publisher_, now) ? 0 : refused + 1;
    next_publisher_ = (next_publisher_ + 1) % publishers_.size();
  }
  if (refused) return now + ns_per_ms;
  const double next_s = static_cast<double>(sent_ + skipped_) / options_.rate;
  return timeline_.began_ns() + ns_of_seconds(next_s);
}

// Reconnects, gives up on what does not answer, asks what is silent.
void Failover::maintain(Client& client, std::uint64_t now) {
  const auto passed = [now](std::uint64_t since, std::uint32_t limit_ms) {
    return now > since && now - since >= limit_ms * ns_per_ms;
  };
  const auto give_up = [&](const char* why) {
    client.drop();
    on_down(client, why, now);
  };
  switch (client.state()) {
    case Socket::State::closed:
      if (passed(client.dialled_ns(), options_.retry_ms)) client.connect(address_);
      return;
    case Socket::State::connecting:
      if (passed(client.dialled_ns(), options_.connect_timeout_ms)) give_up("no TCP answer");
      return;
    case Socket::State::shaking:
    case Socket::State::upgrading:
    case Socket::State::open:
      break;
  }
  if (!client.up()) {
    if (passed(client.dialled_ns(), options_.connack_timeout_ms)) give_up("no CONNACK");
  } else if (client.pinged_ns()) {
    if (passed(client.pinged_ns(), options_.ping_timeout_ms)) give_up("no PINGRESP");
  } else if (passed(client.heard_ns(), options_.ping_after_ms)) {
    client.ping();
  }
}

void Failover::turn(std::uint64_t deadline_ns) {
  std::uint64_t now = now_ns();
  if (now >= next_maintenance_ns_) {
    for (auto& client : clients_) maintain(*client, now);
    next_maintenance_ns_ = now + ns_per_ms;
  }
  loop_.turn(std::min(deadline_ns, next_maintenance_ns_));
}

void Failover::kill_when_due(std::uint64_t now) {
  if (kill_at_s_ < 0 || kill_.started()) return;
  if (now - timeline_.began_ns() < ns_of_seconds(kill_at_s_)) return;
  timeline_.killed(now_ns());
  if (options_.port_after_kill) address_.set_port(options_.port_after_kill);
  kill_.start(options_.kill_command);
  progress_.line("   " + fixed(kill_at_s_, 2) + " s: running " + options_.kill_command);
}

void Failover::load() {
  end_when_told();
  timeline_.begin(now_ns());
  const std::uint64_t end = timeline_.began_ns() + ns_of_seconds(options_.seconds);
  for (std::uint64_t now = timeline_.began_ns(); now < end && !told_to_end; now = now_ns()) {
    kill_when_due(now);
    const std::uint64_t again = top_up(now);
    turn(std::min(again, end));
    progress_line(now);
  }
  timeline_.end(now_ns());
}

bool Failover::complete() const {
  const bool settled = std::all_of(clients_.begin(), clients_.end(), [](const auto& client) {
    return client->up() && client->in_flight() == 0;
  });
  return settled && check_.verdict().lost == 0;
}

// Until all is acknowledged and delivered; then half a second more for what should not come.
void Failover::drain() {
  const std::uint64_t deadline = now_ns() + ns_of_seconds(options_.drain_s);
  std::uint64_t next_look = 0;
  bool is_complete = false;
  for (std::uint64_t now = now_ns(); now < deadline && !is_complete; now = now_ns()) {
    turn(now + 10 * ns_per_ms);
    if (now < next_look) continue;
    next_look = now + 50 * ns_per_ms;
    is_complete = complete();
  }
  // A will may be delayed, and is false only once it has been published.
  const double more_s = 0.5 + (options_.wills ? options_.will_delay_s : 0);
  const std::uint64_t settled = now_ns() + ns_of_seconds(more_s);
  while (now_ns() < settled) turn(settled);
}

void Failover::progress_line(std::uint64_t now) {
  if (!progress_.due(now)) return;
  const auto up = std::count_if(clients_.begin(), clients_.end(),
                                [](const auto& client) { return client->up(); });
  progress_.line(fixed(seconds(now - timeline_.began_ns()), 0) + " s  acknowledged " +
                 std::to_string(acknowledged_ - acknowledged_at_line_) + "/s  connected " +
                 std::to_string(up) + " of " + std::to_string(clients_.size()) + "  longest gap " +
                 fixed(static_cast<double>(timeline_.longest_gap_ns()) / 1e6, 1) + " ms");
  acknowledged_at_line_ = acknowledged_;
}

FailoverResult Failover::result() {
  FailoverResult result;
  result.options = options_;
  result.timeline = timeline_;
  result.acknowledgement = acknowledgement_;
  result.verdict = check_.verdict();
  result.sent = sent_;
  result.acknowledged = acknowledged_;
  for (const auto& client : clients_) {
    result.sessions_back += client->up();
    result.unacknowledged += client->in_flight();
  }
  result.sessions_lost = sessions_lost_;
  result.failed_attempts = failed_attempts_;
  result.false_wills = false_wills_;
  if (kill_.started()) result.kill_status = kill_.wait();
  return result;
}

Result<Outcome> Failover::run() {
  if (Status status = bring_up(); !status) return status.error();
  load();
  drain();
  Outcome outcome = report_failover(result());
  for (auto& client : clients_) client->leave(true);
  report_handshakes(outcome.report, address_);
  return outcome;
}

}  // namespace

Result<Outcome> run_failover(const FailoverOptions& options) {
  return Failover(options).run();
}

}  // namespace tandemq::bench
