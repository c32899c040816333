// What must hold after every step, whatever happened before it.
#include <string>

#include "replicator/core/history.h"
#include "replicator/core/replica.h"

namespace tandemq::repl {
namespace {

struct Check {
  std::string broken;
  void operator()(bool holds, const char* what) {
    if (!holds && broken.empty()) broken = what;
  }
};

}  // namespace

Status check_invariants(const Replica& r) {
  Check check;
  const auto& f = r.follower_;
  const Meta& m = r.meta_;
  check(r.committed_ <= r.last_, "committed is beyond the last record");
  check(r.written_ <= r.last_ && r.synced_ <= r.written_, "synced <= written <= last is broken");
  check(r.committed_ <= r.written_ || !r.primary(), "a primary committed what it has not written");
  check(r.first_ <= r.last_, "the journal begins after its end");
  check(m == r.durable_ || !r.primary(), "a primary relies on facts that are not durable");
  check(r.epoch_ <= m.epoch_seen, "the epoch is above the highest seen");
  check(covers(r.config_.known, m.agreed), "agreed on what this program cannot read");
  check(m.history.empty() || m.history.back().first <= r.last_, "a reign begins after the end");
  for (std::size_t i = 1; i < m.history.size(); ++i) {
    check(
        m.history[i - 1].epoch < m.history[i].epoch && m.history[i - 1].first < m.history[i].first,
        "the epoch history is not sorted");
  }
  if (r.primary()) {
    check(epoch_node(r.epoch_) == r.config_.node_index, "reigns in an epoch of the other node");
    check(r.epoch_ == m.epoch_seen, "reigns although a higher epoch is known");
    check(epoch_of(m.history, r.last_) == r.epoch_, "a primary whose last record is not its own");
    check(m.in_sync && r.confirmed_ && !m.needs_snapshot,
          "a primary that does not hold everything");
    check(!r.leader_.following, "primary and standby at once");
    check(r.mode_ != Replica::Mode::solo || !m.peer_in_sync || f.announced != 0,
          "alone although the peer is not durably out of sync");
    check(r.mode_ != Replica::Mode::paired || (m.peer_in_sync && r.link_ && f.in_sync),
          "paired without a standby in sync");
    check(!f.in_sync || m.peer_in_sync, "the standby counts itself in sync, the primary not");
    check(f.received <= f.sent && f.sent <= r.last_, "received <= sent <= last is broken");
    check(r.mode_ != Replica::Mode::paired || r.committed_ <= f.received || !r.link_,
          "paired and committed more than the standby confirmed");
  } else {
    check(f.stream == Replica::Stream::none, "a standby that leads a stream");
    check(r.mode_ == Replica::Mode::waiting, "a standby with a commit rule");
    check(!r.handing_over_, "a standby that drains for a switchover");
  }
  check(r.link_ || (!r.greeted_ && !r.leader_.following), "follows without a link");
  if (!check.broken.empty()) return Error{check.broken};
  return Done{};
}

}  // namespace tandemq::repl
