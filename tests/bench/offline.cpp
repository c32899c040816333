#include "tests/bench/offline.h"

#include <algorithm>

#include "tests/bench/command.h"
#include "tests/bench/delivery_check.h"
#include "tests/bench/stamp.h"

namespace tandemq::bench {
namespace {

class Offline final : public ClientEvents {
 public:
  explicit Offline(const OfflineOptions& options);
  Result<Outcome> run();

 private:
  void on_subscribed(Client& client, bool granted) override;
  void on_message(Client& client, const mqtt::Publish& publish, std::uint64_t now) override;
  void on_acknowledged(Client& client, std::uint64_t tag, std::uint64_t sent_ns,
                       std::uint64_t now) override;
  void on_down(Client& client, const char* why, std::uint64_t now) override;

  std::string prefix() const { return "offline/" + options_.common.id_prefix + "/"; }
  std::string topic_of(std::uint64_t sequence) const;
  bool is_subscriber(const Client& client) const { return &client == subscriber_.get(); }
  Status leave_subscription();
  Status publish_all(bool empty);
  void top_up(std::uint64_t now, bool empty);
  Status between();
  Status reach(Client& client);
  Status collect();
  Outcome outcome();

  OfflineOptions options_;
  Loop loop_;
  Address address_;
  Clients publishers_;
  std::unique_ptr<Client> subscriber_;
  DeliveryCheck check_;  // a stream for each publisher
  std::string payload_;
  std::string failure_;
  bool may_fail_ = false;  // while the broker may be away
  bool subscribed_ = false;
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t asked_ns_ = 0;  // when the subscriber began to connect, or asked for retained
  std::uint64_t last_received_ns_ = 0;
  double publish_s_ = 0;
  double return_s_ = 0;
  int between_status_ = 0;
  Usage start_;
  Usage published_;
  Usage collecting_;
  Usage collected_;
};

Offline::Offline(const OfflineOptions& options)
    : options_(options), check_(options.publishers), payload_(options.payload, 'x') {
  ClientOptions reader = options_.common.client("reader");
  reader.persistent = !options_.retained;
  subscriber_ = std::make_unique<Client>(loop_, *this, 0, reader);
  for (std::uint32_t i = 0; i < options_.publishers; ++i) {
    ClientOptions writer = options_.common.client("writer" + std::to_string(i));
    writer.window = static_cast<std::uint16_t>(options_.window);
    publishers_.push_back(std::make_unique<Client>(loop_, *this, i + 1, writer));
    check_.add_stream(i, options_.qos);
  }
}

// Queued messages share a topic per publisher; retained ones have each their own.
std::string Offline::topic_of(std::uint64_t sequence) const {
  const std::uint64_t last = options_.retained ? sequence : sequence % options_.publishers;
  return prefix() + std::to_string(last);
}

void Offline::on_subscribed(Client&, bool granted) {
  subscribed_ = true;
  if (!granted) failure_ = "the broker refused a subscription";
}

void Offline::on_message(Client& client, const mqtt::Publish& publish, std::uint64_t now) {
  Stamp stamp;
  if (!is_subscriber(client) || !read_stamp(publish.payload, stamp)) return;
  check_.delivered(stamp.sequence % options_.publishers, stamp.sequence / options_.publishers);
  ++received_;
  last_received_ns_ = now;
}

void Offline::on_acknowledged(Client&, std::uint64_t tag, std::uint64_t, std::uint64_t) {
  ++acknowledged_;
  check_.acknowledged(tag % options_.publishers, tag / options_.publishers);
}

void Offline::on_down(Client& client, const char* why, std::uint64_t) {
  if (!may_fail_ && failure_.empty()) failure_ = client.options().id + ": " + why;
}

Status Offline::reach(Client& client) {
  const std::uint64_t deadline = now_ns() + ns_of_seconds(options_.return_s);
  const auto done = [&] {
    const std::uint64_t now = now_ns();
    const bool waited_enough = now - client.dialled_ns() >= 10 * ns_per_ms;
    if (client.state() == Socket::State::closed && waited_enough) client.connect(address_);
    return client.up();
  };
  if (!run_until(loop_, deadline, done)) {
    return Error{client.options().id + " could not connect within " + fixed(options_.return_s, 0) +
                 " s"};
  }
  return Done{};
}

Status Offline::leave_subscription() {
  if (Status status = reach(*subscriber_); !status) return status;
  subscriber_->subscribe(prefix() + "#", static_cast<std::uint8_t>(options_.qos));
  if (!run_until(loop_, now_ns() + 10 * ns_per_s, [this] { return subscribed_; })) {
    return Error{"no SUBACK within 10 s"};
  }
  subscriber_->leave(false);
  return Done{};
}

void Offline::top_up(std::uint64_t now, bool empty) {
  const auto qos = static_cast<std::uint8_t>(empty ? 1 : options_.qos);
  while (sent_ < options_.messages) {
    // A topic belongs to one publisher, so that its order means something.
    Client& client = *publishers_[sent_ % publishers_.size()];
    if (!client.can_publish(qos)) return;
    write_stamp(payload_, {now, sent_, 0, qos});
    const std::string topic = topic_of(sent_);
    mqtt::Publish message;
    message.topic = topic;
    message.payload = empty ? std::string_view{} : payload_;
    message.qos = qos;
    message.retain = options_.retained;
    client.publish(message, sent_, now);
    ++sent_;
  }
}

Status Offline::publish_all(bool empty) {
  const std::uint64_t began = now_ns();
  sent_ = 0;
  const auto failed = [this] { return !failure_.empty(); };
  if (!connect_all(loop_, address_, publishers_, 30, failed)) {
    return Error{"not all publishers could connect: " + failure_};
  }
  const auto done = [&] {
    top_up(now_ns(), empty);
    const bool idle = std::all_of(publishers_.begin(), publishers_.end(),
                                  [](const auto& client) { return client->in_flight() == 0; });
    return failed() || (sent_ == options_.messages && idle);
  };
  if (!run_until(loop_, began + 600 * ns_per_s, done) || failed()) {
    return Error{"not all messages were acknowledged within 600 s: " + failure_};
  }
  for (auto& client : publishers_) client->leave(true);
  if (!empty) publish_s_ = seconds(now_ns() - began);
  return Done{};
}

Status Offline::between() {
  if (options_.between.empty()) return Done{};
  Command command;
  command.start(options_.between);
  between_status_ = command.wait();
  if (between_status_ != 0) {
    return Error{"the command of --between ended with " + std::to_string(between_status_)};
  }
  return Done{};
}

// Until all has come, or nothing has for two seconds.
Status Offline::collect() {
  collecting_ = usage_of(options_.common.broker_pids);
  const std::uint64_t began = now_ns();
  if (Status status = reach(*subscriber_); !status) return status;
  return_s_ = seconds(now_ns() - began);
  asked_ns_ = subscriber_->dialled_ns();
  last_received_ns_ = std::max(last_received_ns_, now_ns());
  if (options_.retained) {
    asked_ns_ = now_ns();
    subscriber_->subscribe(prefix() + "#", static_cast<std::uint8_t>(options_.qos));
  }
  const auto done = [this] {
    return received_ >= options_.messages || now_ns() - last_received_ns_ > 2 * ns_per_s;
  };
  run_until(loop_, now_ns() + 600 * ns_per_s, done);
  collected_ = usage_of(options_.common.broker_pids);
  const std::uint64_t settled = now_ns() + 200 * ns_per_ms;
  run_until(loop_, settled, [] { return false; });
  return Done{};
}

Outcome Offline::outcome() {
  Outcome outcome;
  const DeliveryCheck::Verdict verdict = check_.verdict();
  Report& report = outcome.report;
  const auto messages = static_cast<double>(options_.messages);
  const auto received = static_cast<double>(std::max<std::uint64_t>(received_, 1));
  const double collect_s = seconds(last_received_ns_ - asked_ns_);
  report.text("mode", options_.retained ? "retained" : "offline");
  report.count("messages", options_.messages);
  report.count("payload_bytes", options_.payload);
  report.count("acknowledged", options_.qos == 0 ? options_.messages : acknowledged_);
  report.count("received", received_);
  report.count("lost", verdict.lost);
  report.count("duplicates", verdict.qos1_duplicates + verdict.qos2_duplicates);
  // Retained messages have no order: each is on a topic of its own.
  if (!options_.retained) report.count("order_violations", verdict.order_violations);
  report.number("publish_per_s", messages / publish_s_);
  report.number("reconnect_s", return_s_);
  report.number("received_per_s", received_ && collect_s > 0 ? received / collect_s : 0);
  if (!options_.common.broker_pids.empty()) {
    report.number("broker_cpu_us_per_message_in",
                  (published_.cpu_s - start_.cpu_s) * 1e6 / messages);
    report.number("broker_cpu_us_per_message_out",
                  (collected_.cpu_s - collecting_.cpu_s) * 1e6 / received);
    const auto grown =
        static_cast<double>(published_.resident_bytes) - static_cast<double>(start_.resident_bytes);
    report.number("broker_bytes_per_message", grown / messages);
  }
  outcome.passed = verdict.lost == 0 && received_ > 0 && verdict.qos2_duplicates == 0 &&
                   (options_.retained || verdict.order_violations == 0);
  return outcome;
}

Result<Outcome> Offline::run() {
  auto address = options_.common.address();
  if (!address) return address.error();
  address_ = *address;
  if (!options_.retained) {
    if (Status status = leave_subscription(); !status) return status.error();
  }
  start_ = usage_of(options_.common.broker_pids);
  if (Status status = publish_all(false); !status) return status.error();
  published_ = usage_of(options_.common.broker_pids);
  may_fail_ = true;
  if (Status status = between(); !status) return status.error();
  if (Status status = collect(); !status) return status.error();
  may_fail_ = false;
  Outcome result = outcome();
  subscriber_->leave(true);
  if (options_.retained && !options_.keep) {
    if (Status status = publish_all(true); !status) return status.error();
  }
  return result;
}

}  // namespace

Result<Outcome> run_offline(const OfflineOptions& options) {
  return Offline(options).run();
}

}  // namespace tandemq::bench
