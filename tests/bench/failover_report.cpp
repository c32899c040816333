#include "tests/bench/failover.h"

namespace tandemq::bench {
namespace {

double ms(std::uint64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

void add_timeline(Report& report, const Timeline& timeline) {
  const std::uint64_t killed = timeline.killed_ns();
  if (!killed) return;
  const auto after = [&](const char* key, std::uint64_t at) {
    if (at) report.number(key, ms(at - killed));
  };
  report.number("killed_at_s", seconds(killed - timeline.began_ns()));
  after("first_connection_lost_after_kill_ms", timeline.first_down_ns());
  after("first_session_back_after_kill_ms", timeline.back_ns(0));
  after("first_ack_after_kill_ms", timeline.first_ack_ns());
  after("half_of_sessions_back_after_kill_ms", timeline.back_ns(0.5));
  after("95_percent_of_sessions_back_after_kill_ms", timeline.back_ns(0.95));
  after("last_session_back_after_kill_ms", timeline.back_ns(1));
  report.number("failover_gap_ms", ms(timeline.failover_gap_ns()));
}

Report figures(const FailoverResult& result, bool passed) {
  Report report;
  const FailoverOptions& options = result.options;
  const Timeline& timeline = result.timeline;
  report.text("mode", "failover");
  report.text("verdict", passed ? "pass" : "fail");
  report.count("acknowledged", result.acknowledged);
  report.count("lost", result.verdict.lost);
  report.count("qos2_duplicates", result.verdict.qos2_duplicates);
  report.count("order_violations", result.verdict.order_violations);
  report.count("qos1_duplicates", result.verdict.qos1_duplicates);
  if (options.wills) report.count("false_wills", result.false_wills);
  report.count("sessions_lost", result.sessions_lost);
  report.count("sessions", options.publishers + options.subscribers + (options.wills ? 1 : 0));
  report.count("sessions_connected_at_end", result.sessions_back);
  report.count("sent", result.sent);
  report.count("unacknowledged_at_end", result.unacknowledged);
  report.count("delivered", result.verdict.delivered);
  report.number("longest_gap_ms", ms(timeline.longest_gap_ns()));
  report.number("longest_gap_at_s", seconds(timeline.longest_gap_began_ns() - timeline.began_ns()));
  add_timeline(report, timeline);
  report.count("connections_lost", timeline.downs());
  report.count("failed_attempts", result.failed_attempts);
  if (timeline.backs()) {
    report.number("reconnect_ms/p50", ms(timeline.away_ns(0.5)));
    report.number("reconnect_ms/p95", ms(timeline.away_ns(0.95)));
    report.number("reconnect_ms/max", ms(timeline.away_ns(1)));
  }
  report.latency("acknowledgement_us", result.acknowledgement);
  if (timeline.killed_ns()) {
    report.count("kill_command_status", static_cast<std::uint64_t>(result.kill_status));
  }
  return report;
}

std::string story(const FailoverResult& result, bool passed) {
  const Timeline& timeline = result.timeline;
  std::string out;
  const auto line = [&](double at_ms, const std::string& text) {
    std::string at = fixed(at_ms, 1);
    out += std::string(at.size() < 10 ? 10 - at.size() : 0, ' ') + at + "  " + text + '\n';
  };
  const std::uint64_t killed = timeline.killed_ns();
  if (killed) {
    out += "milliseconds after the kill (at " + fixed(seconds(killed - timeline.began_ns()), 2) +
           " s, by: " + result.options.kill_command + ")\n";
    const auto after = [&](std::uint64_t at, const char* text) {
      if (at) line(ms(at - killed), text);
    };
    after(timeline.first_down_ns(), "first client loses its connection");
    after(timeline.back_ns(0), "first session back");
    after(timeline.first_ack_ns(), "first acknowledgement");
    after(timeline.back_ns(0.5), "half of the sessions back");
    after(timeline.back_ns(0.95), "95 % of the sessions back");
    after(timeline.back_ns(1), "last session back");
    out += '\n';
  }
  const DeliveryCheck::Verdict& verdict = result.verdict;
  out += std::string(passed ? "PASS" : "FAIL") + ": acknowledged " +
         std::to_string(result.acknowledged) + ", lost " + std::to_string(verdict.lost) +
         ", QoS 2 duplicates " + std::to_string(verdict.qos2_duplicates) + ", order violations " +
         std::to_string(verdict.order_violations) + ", longest gap " +
         fixed(ms(timeline.longest_gap_ns()), 1) + " ms";
  if (killed) out += ", at the failover " + fixed(ms(timeline.failover_gap_ns()), 1) + " ms";
  out += "\n\n";
  return out;
}

}  // namespace

Outcome report_failover(const FailoverResult& result) {
  const DeliveryCheck::Verdict& verdict = result.verdict;
  Outcome outcome;
  // A run in which nothing was acknowledged has shown nothing.
  outcome.passed = result.acknowledged > 0 && verdict.lost == 0 && verdict.qos2_duplicates == 0 &&
                   verdict.order_violations == 0 && result.false_wills == 0;
  outcome.report = figures(result, outcome.passed);
  outcome.text = story(result, outcome.passed) + outcome.report.lines();
  return outcome;
}

}  // namespace tandemq::bench
