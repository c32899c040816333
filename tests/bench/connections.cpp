#include "tests/bench/connections.h"

namespace tandemq::bench {
namespace {

class Connections final : public ClientEvents {
 public:
  explicit Connections(const ConnectionsOptions& options) : options_(options) {}
  Result<Outcome> run();

 private:
  void on_up(Client& client, bool session_present, std::uint64_t now) override;
  void on_subscribed(Client& client, bool granted) override;
  void on_down(Client& client, const char* why, std::uint64_t now) override;
  Outcome outcome(double took_s, const Address& address) const;

  ConnectionsOptions options_;
  Loop loop_;
  Clients clients_;
  Histogram accepted_;  // from dialling to CONNACK
  Usage before_;
  Usage connected_;
  Usage after_;
  std::uint32_t subscribed_ = 0;
  std::string failure_;
};

void Connections::on_up(Client& client, bool, std::uint64_t now) {
  accepted_.add(now - client.dialled_ns());
  if (options_.persistent) client.subscribe("idle/" + client.options().id, 1);
}

void Connections::on_subscribed(Client&, bool granted) {
  ++subscribed_;
  if (!granted) failure_ = "the broker refused a subscription";
}

void Connections::on_down(Client& client, const char* why, std::uint64_t) {
  if (failure_.empty()) failure_ = client.options().id + ": " + why;
}

Result<Outcome> Connections::run() {
  auto address = options_.common.address();
  if (!address) return address.error();
  for (std::uint32_t i = 0; i < options_.count; ++i) {
    ClientOptions client = options_.common.client(std::to_string(i));
    client.persistent = options_.persistent;
    client.window = 1;
    clients_.push_back(std::make_unique<Client>(loop_, *this, i, client));
  }
  before_ = usage_of(options_.common.broker_pids);
  const std::uint64_t began = now_ns();
  const auto failed = [this] { return !failure_.empty(); };
  const auto ready = [&] {
    return failed() || !options_.persistent || subscribed_ == options_.count;
  };
  if (!connect_all(loop_, *address, clients_, 120, failed) ||
      !run_until(loop_, now_ns() + 30 * ns_per_s, ready) || failed()) {
    return Error{"only " + std::to_string(accepted_.count()) + " of " +
                 std::to_string(options_.count) + " clients could connect: " + failure_};
  }
  const double took_s = seconds(now_ns() - began);
  connected_ = usage_of(options_.common.broker_pids);
  run_until(loop_, now_ns() + ns_of_seconds(options_.idle_s), failed);
  after_ = usage_of(options_.common.broker_pids);
  if (failed()) return Error{"an idle connection was lost: " + failure_};
  for (auto& client : clients_) client->leave(true);
  return outcome(took_s, *address);
}

Outcome Connections::outcome(double took_s, const Address& address) const {
  Outcome outcome;
  Report& report = outcome.report;
  const double count = options_.count;
  report.text("mode", "connect");
  report.count("connections", options_.count);
  report.flag("persistent", options_.persistent);
  report.number("took_s", took_s);
  report.number("connections_per_s", count / took_s);
  report.latency("accepted_us", accepted_);
  report_handshakes(report, address);
  if (options_.common.broker_pids.empty()) return outcome;
  report.number("broker_cpu_us_per_connection", (connected_.cpu_s - before_.cpu_s) * 1e6 / count);
  report.number("broker_cpu_idle_share",
                (after_.cpu_s - connected_.cpu_s) / std::max(options_.idle_s, 0.001));
  const auto grown =
      static_cast<double>(after_.resident_bytes) - static_cast<double>(before_.resident_bytes);
  report.number("broker_bytes_per_connection", grown / count);
  return outcome;
}

}  // namespace

Result<Outcome> run_connections(const ConnectionsOptions& options) {
  return Connections(options).run();
}

}  // namespace tandemq::bench
