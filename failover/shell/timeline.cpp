#include "failover/shell/timeline.h"

#include <nlohmann/json.hpp>

namespace tandemq::failover {
namespace {

constexpr TimeMs kWatchMs = 60000;

bool serves(Phase phase) {
  return phase == Phase::primary || phase == Phase::waiting || phase == Phase::switching;
}

std::int64_t since(TimeMs begin, TimeMs end) {
  return begin == 0 || end < begin ? -1 : static_cast<std::int64_t>(end - begin);
}

std::int64_t number(const nlohmann::json& status, const char* name) {
  const auto found = status.find(name);
  return found != status.end() && found->is_number_integer() ? found->get<std::int64_t>() : -1;
}

}  // namespace

void Timeline::transition(const Action& a, TimeMs now) {
  if (a.to == Phase::promoting) {
    decided_at_ = now;
    lost_at_ = a.lost_at;
    decision_ = a.why;
    cause_ = a.from == Phase::asking ? EventKind::authority_granted : a.cause;
  }
  const bool begins = a.to == Phase::primary && !serves(a.from);
  const bool ends = serves(a.from) && !serves(a.to);
  if (!begins && !ends) return;
  Change c;
  c.wall_ms = wall_ms();
  c.from = to_string(a.from);
  c.to = to_string(a.to);
  c.cause = to_string(begins && a.from == Phase::promoting ? cause_ : a.cause);
  c.reason = begins && a.from == Phase::promoting ? decision_ : a.why;
  if (begins) {
    serves_at_ = now;
    watching_ = true;
    if (a.from == Phase::promoting) {
      c.detection_ms = since(lost_at_, decided_at_);
      c.promotion_ms = since(decided_at_, now);
      metrics_.failover(c.cause);
      metrics_.phase("detection", c.detection_ms);
      metrics_.phase("promotion", c.promotion_ms);
    }
  } else {
    watching_ = false;
  }
  history_.add(std::move(c));
}

void Timeline::status(const nlohmann::json& status, TimeMs now) {
  Change* newest = history_.newest();
  if (!watching_ || !newest) return;
  const std::int64_t before = number(status, "sessions_before");
  const std::int64_t back = number(status, "sessions_back");
  newest->first_client_ms = number(status, "first_client_ms");
  if (newest->sessions_95_ms < 0 && before > 0 && back * 100 >= before * 95) {
    newest->sessions_95_ms = since(serves_at_, now);
  }
  const bool all = newest->first_client_ms >= 0 && (before <= 0 || newest->sessions_95_ms >= 0);
  if (!all && now < serves_at_ + kWatchMs) return;
  watching_ = false;
  metrics_.phase("first_client", newest->first_client_ms);
  metrics_.phase("sessions_95", newest->sessions_95_ms);
  history_.save();
}

}  // namespace tandemq::failover
