#include "tests/bench/mode.h"

#include <algorithm>
#include <cstdio>

namespace tandemq::bench {

ClientOptions CommonOptions::client(const std::string& name) const {
  ClientOptions options;
  options.id = id_prefix + name;
  options.username = username;
  options.password = password;
  options.version = static_cast<mqtt::Version>(version);
  return options;
}

Result<Address> CommonOptions::address() const {
  auto address = resolve(host, port);
  if (!address) return address;
  address->websocket = websocket;
  if (tls_ca.empty()) return address;
  auto tls = Tls::create(tls_ca, host);
  if (!tls) return tls.error();
  address->tls = *tls;
  return address;
}

void report_handshakes(Report& report, const Address& address) {
  if (!address.tls) return;
  report.count("tls_handshakes/full", address.tls->full);
  report.count("tls_handshakes/resumed", address.tls->resumed);
}

bool run_until(Loop& loop, std::uint64_t deadline_ns, const std::function<bool()>& done) {
  while (!done()) {
    const std::uint64_t now = now_ns();
    if (now >= deadline_ns) return false;
    loop.turn(std::min(deadline_ns, now + 10 * ns_per_ms));
  }
  return true;
}

bool connect_all(Loop& loop, const Address& address, Clients& clients, double seconds_max,
                 const std::function<bool()>& failed) {
  constexpr std::size_t at_once_max = 100;
  std::vector<const Client*> waiting;
  std::size_t begun = 0;
  const auto done = [&] {
    if (failed()) return true;
    std::erase_if(waiting, [](const Client* client) { return client->up(); });
    for (; begun < clients.size() && waiting.size() < at_once_max; ++begun) {
      clients[begun]->connect(address);
      waiting.push_back(clients[begun].get());
    }
    return waiting.empty();
  };
  return run_until(loop, now_ns() + ns_of_seconds(seconds_max), done) && !failed();
}

bool Progress::due(std::uint64_t now) {
  if (quiet_ || now < next_ns_) return false;
  next_ns_ = now + ns_per_s;
  return true;
}

void Progress::line(const std::string& text) const {
  if (!quiet_) std::fprintf(stderr, "%s\n", text.c_str());
}

std::string fixed(double value, int decimals) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

void report_usage(Report& report, const CommonOptions& options, const Usage& before,
                  const Usage& after, double messages) {
  if (options.broker_pids.empty()) return;
  const double per = messages > 0 ? 1e6 / messages : 0;
  report.number("broker_cpu_us_per_message", (after.cpu_s - before.cpu_s) * per);
  report.number("broker_user_us_per_message", (after.user_s - before.user_s) * per);
  report.number("broker_system_us_per_message", (after.system_s - before.system_s) * per);
  report.count("broker_resident_bytes", after.resident_bytes);
}

}  // namespace tandemq::bench
