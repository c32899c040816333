#include "tests/bench/traffic.h"

#include <algorithm>
#include <limits>

#include "tests/bench/stamp.h"

namespace tandemq::bench {
namespace {

// What has happened so far; two of these bound the measured time.
struct Totals {
  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t received = 0;
};

class Traffic final : public ClientEvents {
 public:
  explicit Traffic(const TrafficOptions& options);
  Result<Outcome> run();

 private:
  struct Publisher {
    std::string topic;
    std::uint64_t sent = 0;
    std::int64_t undelivered = 0;  // copies on their way
    std::int64_t copies = 0;       // of each message
  };

  void on_subscribed(Client& client, bool granted) override;
  void on_message(Client& client, const mqtt::Publish& publish, std::uint64_t now) override;
  void on_acknowledged(Client& client, std::uint64_t tag, std::uint64_t sent_ns,
                       std::uint64_t now) override;
  void on_down(Client& client, const char* why, std::uint64_t now) override;

  void make_clients();
  Status bring_up();
  bool send_one(std::size_t index, std::uint64_t now);
  // Publishes what window, lag and rate allow; returns when to be called again at the latest.
  std::uint64_t top_up(std::uint64_t now);
  std::uint64_t top_up_at_rate(std::uint64_t now);
  void load();
  void begin_measuring(std::uint64_t now);
  void check_stall(std::uint64_t now);
  void drain();
  void progress_line(std::uint64_t now);
  bool finished(std::uint64_t now) const;
  Outcome outcome();

  TrafficOptions options_;
  Loop loop_;
  Address address_;
  Clients clients_;  // publishers first
  std::vector<Publisher> publishers_;
  std::string payload_;
  std::string failure_;
  std::size_t subscribed_ = 0;
  std::size_t next_publisher_ = 0;
  Progress progress_;

  Totals totals_;
  Totals before_;
  Totals after_;
  Totals last_line_;
  Usage usage_before_;
  Usage usage_after_;
  double own_before_s_ = 0;
  double own_after_s_ = 0;
  bool measuring_ = false;
  std::uint64_t began_ns_ = 0;
  std::uint64_t measured_from_ns_ = 0;
  std::uint64_t measured_to_ns_ = 0;
  std::uint64_t last_received_ns_ = 0;
  std::uint64_t given_up_ = 0;  // copies that never came
  Histogram acknowledgement_;
  Histogram end_to_end_;
};

Traffic::Traffic(const TrafficOptions& options)
    : options_(options), payload_(options.payload, 'x'), progress_(options.common.quiet) {
  if (options_.window == 0) options_.window = 64;
  if (options_.lag == 0) {
    options_.lag = options_.fanout ? 100 : options_.qos == 0 ? 5000 : 4 * options_.window;
  }
}

void Traffic::make_clients() {
  const auto add = [&](const std::string& name) {
    ClientOptions client = options_.common.client(name);
    client.window = static_cast<std::uint16_t>(options_.window);
    client.persistent = options_.persistent;
    const auto number = static_cast<std::uint32_t>(clients_.size());
    clients_.push_back(std::make_unique<Client>(loop_, *this, number, client));
  };
  for (std::uint32_t i = 0; i < options_.publishers; ++i) {
    add("p" + std::to_string(i));
    publishers_.push_back({.topic = "bench/" + options_.common.id_prefix + std::to_string(i)});
  }
  for (std::uint32_t i = 0; i < options_.subscribers; ++i) add("s" + std::to_string(i));
}

Status Traffic::bring_up() {
  auto address = options_.common.address();
  if (!address) return address.error();
  address_ = *address;
  make_clients();
  const auto failed = [this] { return !failure_.empty(); };
  if (!connect_all(loop_, address_, clients_, 30, failed)) {
    return Error{"not all clients could connect within 30 s: " + failure_};
  }
  std::size_t wanted = 0;
  for (std::uint32_t s = 0; s < options_.subscribers; ++s) {
    Client& subscriber = *clients_[options_.publishers + s];
    for (std::uint32_t p = 0; p < options_.publishers; ++p) {
      // Whichever side is smaller is shared out over the other.
      const bool pair = options_.subscribers >= options_.publishers ? s % options_.publishers == p
                                                                    : p % options_.subscribers == s;
      if (!pair && !options_.fanout) continue;
      subscriber.subscribe(publishers_[p].topic, static_cast<std::uint8_t>(options_.qos));
      ++publishers_[p].copies;
      ++wanted;
    }
  }
  const auto all = [&] { return subscribed_ == wanted || failed(); };
  if (!run_until(loop_, now_ns() + 30 * ns_per_s, all) || failed()) {
    return Error{"not all subscriptions were granted within 30 s: " + failure_};
  }
  return Done{};
}

void Traffic::on_subscribed(Client&, bool granted) {
  ++subscribed_;
  if (!granted) failure_ = "the broker refused a subscription";
}

void Traffic::on_message(Client&, const mqtt::Publish& publish, std::uint64_t now) {
  Stamp stamp;
  if (!read_stamp(publish.payload, stamp) || stamp.publisher >= publishers_.size()) return;
  ++totals_.received;
  --publishers_[stamp.publisher].undelivered;
  last_received_ns_ = now;
  if (measuring_) end_to_end_.add(now - stamp.sent_ns);
}

void Traffic::on_acknowledged(Client&, std::uint64_t, std::uint64_t sent_ns, std::uint64_t now) {
  ++totals_.acknowledged;
  if (measuring_) acknowledgement_.add(now - sent_ns);
}

void Traffic::on_down(Client& client, const char* why, std::uint64_t) {
  if (failure_.empty()) failure_ = client.options().id + ": " + why;
}

bool Traffic::send_one(std::size_t index, std::uint64_t now) {
  Publisher& publisher = publishers_[index];
  Client& client = *clients_[index];
  const auto qos = static_cast<std::uint8_t>(options_.qos);
  if (!client.can_publish(qos)) return false;
  if (publisher.undelivered >= publisher.copies * static_cast<std::int64_t>(options_.lag)) {
    return false;
  }
  write_stamp(payload_, {now, publisher.sent, static_cast<std::uint32_t>(index), qos});
  mqtt::Publish message;
  message.topic = publisher.topic;
  message.payload = payload_;
  message.qos = qos;
  client.publish(message, publisher.sent, now);
  ++publisher.sent;
  ++totals_.sent;
  publisher.undelivered += publisher.copies;
  return true;
}

std::uint64_t Traffic::top_up(std::uint64_t now) {
  if (options_.rate > 0) return top_up_at_rate(now);
  constexpr int burst_max = 512;
  bool more = false;
  std::uint64_t left = options_.messages ? options_.messages - totals_.sent
                                         : std::numeric_limits<std::uint64_t>::max();
  for (std::size_t i = 0; i < publishers_.size() && left > 0; ++i) {
    int burst = burst_max;
    while (burst > 0 && left > 0 && send_one(i, now)) --burst, --left;
    more = more || burst == 0;
  }
  return more && left > 0 ? now : now + 10 * ns_per_ms;
}

std::uint64_t Traffic::top_up_at_rate(std::uint64_t now) {
  auto due = static_cast<std::uint64_t>(seconds(now - began_ns_) * options_.rate) + 1;
  if (options_.messages) due = std::min(due, options_.messages);
  std::size_t refused = 0;
  while (totals_.sent < due && refused < publishers_.size()) {
    refused = send_one(next_publisher_, now) ? 0 : refused + 1;
    next_publisher_ = (next_publisher_ + 1) % publishers_.size();
  }
  if (refused) return now + ns_per_ms;
  return began_ns_ + ns_of_seconds(static_cast<double>(totals_.sent) / options_.rate);
}

// At QoS 0 a broker may drop; what does not come is not waited for any longer: for a second while
// time is measured, longer where it does not matter.
void Traffic::check_stall(std::uint64_t now) {
  if (options_.qos > 0) return;
  const std::uint64_t patience_ns = (options_.messages ? 30 : 1) * ns_per_s;
  if (now - std::max(last_received_ns_, began_ns_) < patience_ns) return;
  for (Publisher& publisher : publishers_) {
    if (publisher.undelivered <= 0) continue;
    given_up_ += static_cast<std::uint64_t>(publisher.undelivered);
    publisher.undelivered = 0;
  }
}

void Traffic::begin_measuring(std::uint64_t now) {
  measuring_ = true;
  before_ = totals_;
  usage_before_ = usage_of(options_.common.broker_pids);
  own_before_s_ = own_cpu_s();
  measured_from_ns_ = now;
}

bool Traffic::finished(std::uint64_t now) const {
  if (!failure_.empty()) return true;
  if (options_.messages) {
    const std::uint64_t limit_ns = 600 * ns_per_s;
    return totals_.sent >= options_.messages || now - began_ns_ > limit_ns;
  }
  return measuring_ && now - measured_from_ns_ >= ns_of_seconds(options_.seconds);
}

void Traffic::load() {
  began_ns_ = now_ns();
  const double warm_up_s = options_.messages ? 0 : options_.warm_up_s;
  std::uint64_t now = began_ns_;
  while (!finished(now)) {
    if (!measuring_ && now - began_ns_ >= ns_of_seconds(warm_up_s)) begin_measuring(now);
    const std::uint64_t again = top_up(now);
    loop_.turn(again);
    now = now_ns();
    check_stall(now);
    progress_line(now);
  }
  if (options_.messages) drain();
  measured_to_ns_ = now_ns();
  after_ = totals_;
  own_after_s_ = own_cpu_s();
  usage_after_ = usage_of(options_.common.broker_pids);
  measuring_ = false;
  if (!options_.messages) drain();
}

// Until all has arrived, or is given up.
void Traffic::drain() {
  const auto done = [this] {
    check_stall(now_ns());
    const bool delivered = std::all_of(publishers_.begin(), publishers_.end(),
                                       [](const Publisher& p) { return p.undelivered <= 0; });
    const bool acknowledged =
        std::all_of(clients_.begin(), clients_.begin() + options_.publishers,
                    [](const auto& client) { return client->in_flight() == 0; });
    return (delivered && acknowledged) || !failure_.empty();
  };
  run_until(loop_, now_ns() + 60 * ns_per_s, done);
}

void Traffic::progress_line(std::uint64_t now) {
  if (!progress_.due(now)) return;
  progress_.line(fixed(seconds(now - began_ns_), 0) + " s  sent " +
                 std::to_string(totals_.sent - last_line_.sent) + "/s  acknowledged " +
                 std::to_string(totals_.acknowledged - last_line_.acknowledged) + "/s  received " +
                 std::to_string(totals_.received - last_line_.received) + "/s");
  last_line_ = totals_;
}

Outcome Traffic::outcome() {
  Outcome outcome;
  Report& report = outcome.report;
  const double took_s = seconds(measured_to_ns_ - measured_from_ns_);
  const auto received = static_cast<double>(after_.received - before_.received);
  report.text("mode", options_.fanout ? "fanout" : "pubsub");
  report.count("publishers", options_.publishers);
  report.count("subscribers", options_.subscribers);
  report.count("qos", static_cast<std::uint64_t>(options_.qos));
  report.count("payload_bytes", options_.payload);
  report.count("window", options_.window);
  report.flag("persistent", options_.persistent);
  report.number("measured_s", took_s);
  report.number("sent_per_s", static_cast<double>(after_.sent - before_.sent) / took_s);
  report.number("received_per_s", received / took_s);
  report.count("sent", totals_.sent);
  report.count("acknowledged", totals_.acknowledged);
  report.count("received", totals_.received);
  std::uint64_t lost = given_up_;
  for (const Publisher& publisher : publishers_) {
    if (publisher.undelivered > 0) lost += static_cast<std::uint64_t>(publisher.undelivered);
  }
  report.count("not_delivered", lost);
  report.latency("acknowledgement_us", acknowledgement_);
  report.latency("end_to_end_us", end_to_end_);
  report_usage(report, options_.common, usage_before_, usage_after_, received);
  report.number("bench_cpu_us_per_message", (own_after_s_ - own_before_s_) * 1e6 / received);
  outcome.passed = options_.qos == 0 || lost == 0;
  return outcome;
}

Result<Outcome> Traffic::run() {
  if (Status status = bring_up(); !status) return status.error();
  load();
  if (!failure_.empty()) return Error{"a connection was lost while measuring: " + failure_};
  Outcome result = outcome();
  for (auto& client : clients_) client->leave(true);
  return result;
}

}  // namespace

Result<Outcome> run_traffic(const TrafficOptions& options) {
  return Traffic(options).run();
}

}  // namespace tandemq::bench
