#include "failover/shell/timeline.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "failover/shell/loop.h"

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

std::string text(const nlohmann::json& status, const char* name) {
  const auto found = status.find(name);
  return found != status.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

void Timeline::decided(const Action& a, TimeMs now) {
  decided_at_ = now;
  lost_at_ = a.lost_at;
  decision_ = a.why;
  cause_ = to_string(a.from == Phase::asking ? EventKind::authority_granted : a.cause);
  cold_ = a.from == Phase::waiting_for_peer && a.cause == EventKind::authority_granted;
}

void Timeline::transition(const Action& a, TimeMs now) {
  if (a.to == Phase::promoting) decided(a, now);
  const bool begins = a.to == Phase::primary && !serves(a.from);
  const bool ends = serves(a.from) && !serves(a.to);
  if (!begins && !ends) return;
  Change c;
  c.wall_ms = wall_ms();
  c.from = to_string(a.from);
  c.to = to_string(a.to);
  c.cause = to_string(a.cause);
  c.reason = a.why;
  if (begins) return begun(a, std::move(c), now);
  reign_ = 0;
  history_.add(std::move(c));
}

void Timeline::begun(const Action& a, Change c, TimeMs now) {
  serves_at_ = now;
  if (a.from == Phase::promoting) {
    c.cause = cause_;
    c.reason = decision_;
    c.promotion_ms = since(decided_at_, now);
    if (!cold_) {
      c.detection_ms = since(lost_at_, decided_at_);
      figures_.failover(c.cause);
      figures_.phase("detection", c.detection_ms);
      figures_.phase("promotion", c.promotion_ms);
    }
  } else if (a.from == Phase::standby || a.from == Phase::out_of_sync) {
    // Its peer's broker has handed over to ours, as ordered there.
    c.cause = to_string(Order::switchover);
    figures_.failover(c.cause);
  }
  reign_ = history_.add(std::move(c));
}

void Timeline::status(const nlohmann::json& status, TimeMs now) {
  follow_pair(status);
  follow_clients(status, now);
}

void Timeline::follow_pair(const nlohmann::json& status) {
  const std::string role = text(status, "role"), pair = text(status, "pair_state");
  const bool primary = role == to_string(Role::primary);
  const std::string before = std::exchange(stands_, primary ? pair : role);
  const bool solo = primary && pair == to_string(PairState::solo);
  const bool whole = primary && pair == to_string(PairState::paired);
  const bool news = !before.empty() && before != stands_ && (solo || (whole && alone_));
  if (solo || whole || !primary) alone_ = solo;
  if (!news) return;
  Change c;
  c.wall_ms = wall_ms();
  c.from = solo ? to_string(Role::primary) : to_string(PairState::solo);
  c.to = stands_;
  c.cause = "pair_state";
  c.reason = text(status, "reason");
  history_.add(std::move(c));
}

void Timeline::follow_clients(const nlohmann::json& status, TimeMs now) {
  Change* reign = history_.find(reign_);
  if (!reign) return;
  const std::int64_t before = number(status, "sessions_before");
  const std::int64_t back = number(status, "sessions_back");
  // Who was not connected before does not come back, and says nothing about the failover.
  if (before > 0) reign->first_client_ms = number(status, "first_client_ms");
  if (reign->sessions_95_ms < 0 && before > 0 && back * 100 >= before * 95) {
    reign->sessions_95_ms = since(serves_at_, now);
  }
  const bool all = before == 0 || (reign->first_client_ms >= 0 && reign->sessions_95_ms >= 0);
  if (!all && now < serves_at_ + kWatchMs) return;
  reign_ = 0;
  figures_.phase("first_client", reign->first_client_ms);
  figures_.phase("sessions_95", reign->sessions_95_ms);
  history_.save();
}

}  // namespace tandemq::failover
