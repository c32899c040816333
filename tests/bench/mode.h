// What all subcommands have in common.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "tests/bench/client.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/report.h"

namespace tandemq::bench {

struct CommonOptions {
  std::string host = "127.0.0.1";
  int port = 1883;
  int version = 5;
  std::string username;
  std::string password;
  std::string tls_ca;  // empty: plain TCP
  bool websocket = false;
  std::string id_prefix;
  std::vector<std::string> broker_pids;
  bool json = false;
  bool quiet = false;

  ClientOptions client(const std::string& name) const;
  Result<Address> address() const;
};

struct Outcome {
  Report report;
  bool passed = true;
  std::string text;  // instead of report.lines(); may be empty
};

using Clients = std::vector<std::unique_ptr<Client>>;

// Turns the loop until done() or the deadline; false at the deadline.
bool run_until(Loop& loop, std::uint64_t deadline_ns, const std::function<bool()>& done);

// Connects all, a hundred at a time. Clients that go down meanwhile are for the owner to notice.
bool connect_all(Loop& loop, const Address& address, Clients& clients, double seconds_max,
                 const std::function<bool()>& failed);

// A line on standard error at most once a second.
class Progress {
 public:
  explicit Progress(bool quiet) : quiet_(quiet) {}
  bool due(std::uint64_t now);
  void line(const std::string& text) const;

 private:
  bool quiet_;
  std::uint64_t next_ns_ = 0;
};

inline double seconds(std::uint64_t ns) {
  return static_cast<double>(ns) / 1e9;
}
inline std::uint64_t ns_of_seconds(double s) {
  return static_cast<std::uint64_t>(s * 1e9);
}
std::string fixed(double value, int decimals);

// How many handshakes there were, full and resumed; nothing by plain TCP.
void report_handshakes(Report& report, const Address& address);

// CPU per message of the broker between two samples, and its memory; nothing without --broker-pid.
void report_usage(Report& report, const CommonOptions& options, const Usage& before,
                  const Usage& after, double messages);

}  // namespace tandemq::bench
