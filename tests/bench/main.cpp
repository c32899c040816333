// tandemq-bench: load, cost and failover of an MQTT broker, seen from its clients.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "tests/bench/connections.h"
#include "tests/bench/failover.h"
#include "tests/bench/offline.h"
#include "tests/bench/stamp.h"
#include "tests/bench/traffic.h"

namespace {

using namespace tandemq;
using namespace tandemq::bench;

void add_common(CLI::App& app, CommonOptions& common) {
  common.id_prefix = "bench-" + std::to_string(getpid()) + "-";
  app.add_option("--host", common.host, "broker's address")->capture_default_str();
  app.add_option("--port", common.port, "broker's port")->capture_default_str();
  app.add_option("--version", common.version, "3, 4 (3.1.1) or 5")
      ->check(CLI::Range(3, 5))
      ->capture_default_str();
  app.add_option("--username", common.username);
  app.add_option("--password", common.password);
  app.add_option("--tls-ca", common.tls_ca,
                 "by TLS: certificates of the authorities that are trusted (PEM)");
  app.add_flag("--websocket", common.websocket, "MQTT over WebSocket, also by TLS");
  app.add_option("--id-prefix", common.id_prefix, "begins client identifiers and topics")
      ->capture_default_str();
  app.add_option("--broker-pid", common.broker_pids,
                 "process, or pid file, whose CPU and memory are reported; may be repeated");
  app.add_flag("--json", common.json, "results as JSON");
  app.add_flag("--quiet", common.quiet, "no progress on standard error");
}

void add_traffic(CLI::App& app, TrafficOptions& options) {
  add_common(app, options.common);
  app.add_option("--qos", options.qos)->check(CLI::Range(0, 2))->capture_default_str();
  app.add_option("--payload", options.payload, "bytes")
      ->check(CLI::Range(payload_min, std::size_t{1} << 26))
      ->capture_default_str();
  app.add_option("--window", options.window, "unacknowledged messages of a publisher (64)")
      ->check(CLI::Range(1, 60000));
  app.add_option("--lag", options.lag, "messages of a publisher that are not yet delivered");
  app.add_option("--seconds", options.seconds, "how long to measure")->capture_default_str();
  app.add_option("--warm-up", options.warm_up_s, "seconds before that")->capture_default_str();
  app.add_option("--messages", options.messages, "how many to send, instead of --seconds");
  app.add_option("--rate", options.rate, "messages per second in all; 0: as fast as it goes");
  app.add_flag("--persistent", options.persistent, "sessions that outlive their connections");
}

void add_failover(CLI::App& app, FailoverOptions& options) {
  add_common(app, options.common);
  app.add_option("--pubs", options.publishers)->check(CLI::Range(1, 5000))->capture_default_str();
  app.add_option("--subs", options.subscribers)->check(CLI::Range(1, 5000))->capture_default_str();
  app.add_option("--qos", options.qos, "1, 2 or mixed")
      ->check(CLI::IsMember({"1", "2", "mixed"}))
      ->capture_default_str();
  app.add_option("--payload", options.payload, "bytes")
      ->check(CLI::Range(payload_min, std::size_t{1} << 20))
      ->capture_default_str();
  app.add_option("--window", options.window, "unacknowledged messages of a publisher")
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
  app.add_option("--rate", options.rate, "messages per second in all")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--burst", options.burst, "so many at once, as often as the rate allows")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "how long to publish")->capture_default_str();
  app.add_option("--drain", options.drain_s, "seconds at most for what is on its way at the end")
      ->capture_default_str();
  app.add_option("--retry-ms", options.retry_ms, "between two attempts to connect")
      ->capture_default_str();
  app.add_option("--connect-timeout-ms", options.connect_timeout_ms)->capture_default_str();
  app.add_option("--connack-timeout-ms", options.connack_timeout_ms)->capture_default_str();
  app.add_option("--ping-after-ms", options.ping_after_ms, "of silence")->capture_default_str();
  app.add_option("--ping-timeout-ms", options.ping_timeout_ms, "then the connection is given up")
      ->capture_default_str();
  auto* at = app.add_option("--kill-at", options.kill_at, "seconds after the start, or \"random\"");
  app.add_option("--kill-cmd", options.kill_command, "shell command to run then")->needs(at);
  app.add_option("--port-after-kill", options.port_after_kill,
                 "where clients return to, of a pair without a virtual address")
      ->needs(at);
  at->check([](const std::string& text) {
    const bool good = text == "random" || text.find_first_not_of("0123456789.") == text.npos;
    return good ? std::string() : "--kill-at wants seconds or \"random\"";
  });
  app.add_flag("--wills", options.wills, "gives clients wills and counts those published");
  app.add_option("--will-delay", options.will_delay_s, "seconds (5.0)")->capture_default_str();
}

void add_connections(CLI::App& app, ConnectionsOptions& options) {
  add_common(app, options.common);
  app.add_option("--count", options.count)->check(CLI::Range(1, 60000))->capture_default_str();
  app.add_flag("--persistent", options.persistent, "durable sessions, one subscription each");
  app.add_option("--idle", options.idle_s, "seconds before the memory is read")
      ->capture_default_str();
}

void add_offline(CLI::App& app, OfflineOptions& options) {
  add_common(app, options.common);
  app.add_flag("--retained", options.retained, "retained messages for a new subscriber instead");
  app.add_option("--messages", options.messages)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--qos", options.qos)->check(CLI::Range(1, 2))->capture_default_str();
  app.add_option("--payload", options.payload, "bytes")
      ->check(CLI::Range(payload_min, std::size_t{1} << 20))
      ->capture_default_str();
  app.add_option("--pubs", options.publishers)->check(CLI::Range(1, 5000))->capture_default_str();
  app.add_option("--window", options.window, "unacknowledged messages of a publisher")
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
  app.add_option("--between", options.between, "shell command before the messages are collected");
  app.add_option("--return-s", options.return_s, "seconds at most until the broker is back")
      ->capture_default_str();
  app.add_flag("--keep", options.keep, "leave the retained messages there");
}

int finish(const Result<Outcome>& result, const CommonOptions& common) {
  if (!result) {
    std::fprintf(stderr, "tandemq-bench: %s\n", result.error().message.c_str());
    return 2;
  }
  const std::string text = common.json            ? result->report.json() + "\n"
                           : result->text.empty() ? result->report.lines()
                                                  : result->text;
  std::fputs(text.c_str(), stdout);
  return result->passed ? 0 : 1;
}

void raise_file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int run(int argc, char** argv) {
  CLI::App app{"Load, cost and failover of an MQTT broker, seen from its clients."};
  app.require_subcommand(1);
  app.set_version_flag("--version", "tandemq-bench " TANDEMQ_VERSION);

  TrafficOptions pubsub;
  CLI::App* pubsub_app = app.add_subcommand("pubsub", "publishers to subscribers, in pairs");
  add_traffic(*pubsub_app, pubsub);
  pubsub_app->add_option("--pubs", pubsub.publishers)->capture_default_str();
  pubsub_app->add_option("--subs", pubsub.subscribers)->capture_default_str();

  TrafficOptions fanout;
  fanout.fanout = true;
  fanout.subscribers = 500;
  CLI::App* fanout_app = app.add_subcommand("fanout", "every message to all subscribers");
  add_traffic(*fanout_app, fanout);
  fanout_app->add_option("--pubs", fanout.publishers)->capture_default_str();
  fanout_app->add_option("--subs", fanout.subscribers)->capture_default_str();

  FailoverOptions failover;
  CLI::App* failover_app = app.add_subcommand(
      "failover", "numbered messages through a change of primary, and a verdict on every one");
  add_failover(*failover_app, failover);

  ConnectionsOptions connections;
  CLI::App* connect_app = app.add_subcommand("connect", "connection rate, and idle connections");
  add_connections(*connect_app, connections);

  OfflineOptions offline;
  CLI::App* offline_app = app.add_subcommand(
      "offline", "messages for a subscriber that is away, or retained for one that is new");
  add_offline(*offline_app, offline);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (connect_app->parsed()) return finish(run_connections(connections), connections.common);
  if (offline_app->parsed()) return finish(run_offline(offline), offline.common);
  if (failover_app->parsed()) return finish(run_failover(failover), failover.common);
  if (pubsub_app->parsed()) return finish(run_traffic(pubsub), pubsub.common);
  return finish(run_traffic(fanout), fanout.common);
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  raise_file_limit();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandemq-bench: %s\n", error.what());
    return 2;
  }
}
