#include "failover/core/peer_session.h"

#include <algorithm>

namespace tandemq::failover {

Numbers PeerSession::next(TimeMs now) {
  ++seq_;
  sent_[seq_ % kRing] = now;
  return {{boot_, seq_}, last_, greet_, now};
}

TimeMs PeerSession::sent_at(const Stamp& echo) const {
  const bool ours = echo.boot == boot_ && echo.seq != 0 && echo.seq <= seq_;
  return ours && echo.seq + kRing > seq_ ? sent_[echo.seq % kRing] : 0;
}

std::optional<PeerSession::Accepted> PeerSession::accept(const Numbers& n, TimeMs now,
                                                         Refusal& why) {
  const TimeMs proof = std::max(sent_at(n.echo), sent_at(n.greet));
  const bool known = n.own.boot == last_.boot;
  if (known && n.own.seq <= last_.seq) {
    why = Refusal::old;
    return std::nullopt;
  }
  if (!known && (proof == 0 || now > proof + kProofMs)) {
    greet_ = n.own;
    why = Refusal::unproven;
    return std::nullopt;
  }
  why = Refusal::none;
  last_ = n.own;
  if (!known) greet_ = {};
  return Accepted{proof, n.clock};
}

}  // namespace tandemq::failover
