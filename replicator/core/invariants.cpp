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
  const Member& n = r.m_;
  const Meta& m = n.meta;
  const Primary& p = r.primary_;
  const auto& f = p.follower_;
  check(n.committed <= n.last, "committed is beyond the last record");
  check(n.written <= n.last && n.synced <= n.written, "synced <= written <= last is broken");
  check(n.committed <= n.written || !n.primary(), "a primary committed what it has not written");
  check(n.first <= n.last, "the journal begins after its end");
  check(m == n.durable || !n.primary(), "a primary relies on facts that are not durable");
  check(n.epoch <= m.epoch_seen, "the epoch is above the highest seen");
  check(covers(n.config.known, m.agreed), "agreed on what this program cannot read");
  check(m.history.empty() || m.history.back().first <= n.last, "a reign begins after the end");
  for (std::size_t i = 1; i < m.history.size(); ++i) {
    check(
        m.history[i - 1].epoch < m.history[i].epoch && m.history[i - 1].first < m.history[i].first,
        "the epoch history is not sorted");
  }
  if (n.primary()) {
    check(epoch_node(n.epoch) == n.config.node_index, "reigns in an epoch of the other node");
    check(n.epoch == m.epoch_seen, "reigns although a higher epoch is known");
    check(epoch_of(m.history, n.last) == n.epoch, "a primary whose last record is not its own");
    check(m.in_sync && n.confirmed && !m.needs_snapshot, "a primary that does not hold everything");
    check(!r.standby_.following(), "primary and standby at once");
    check(p.mode_ != Primary::Mode::solo || !m.peer_in_sync || f.announced != 0,
          "alone although the peer is not durably out of sync");
    check(p.mode_ != Primary::Mode::paired || (m.peer_in_sync && n.linked && f.in_sync),
          "paired without a standby in sync");
    check(!f.in_sync || m.peer_in_sync, "the standby counts itself in sync, the primary not");
    check(f.received <= f.sent && f.sent <= n.last, "received <= sent <= last is broken");
    check(p.mode_ != Primary::Mode::paired || n.committed <= f.received || !n.linked,
          "paired and committed more than the standby confirmed");
  } else {
    check(f.stream == Primary::Stream::none, "a standby that leads a stream");
    check(p.mode_ == Primary::Mode::waiting, "a standby with a commit rule");
    check(!r.handing_over_, "a standby that drains for a switchover");
  }
  check(n.linked || (!n.greeted && !r.standby_.following()), "follows without a link");
  if (!check.broken.empty()) return Error{check.broken};
  return Done{};
}

}  // namespace tandemq::repl
