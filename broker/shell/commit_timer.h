// How long records wait for their commit: one sample a turn that appended any.
#pragma once

#include <cstdint>
#include <deque>

#include "broker/base/ids.h"
#include "broker/shell/histogram.h"

namespace tandemq::broker {

class CommitTimer {
 public:
  void appended(Lsn last, std::uint64_t at_ns) { open_.push_back({last, at_ns}); }
  void committed(Lsn lsn, std::uint64_t now_ns) {
    for (; !open_.empty() && open_.front().lsn <= lsn; open_.pop_front()) {
      histogram_.observe_ns(now_ns - open_.front().at_ns);
    }
  }
  void forget() { open_.clear(); }
  const Histogram& histogram() const { return histogram_; }

 private:
  struct Sample {
    Lsn lsn;
    std::uint64_t at_ns;
  };
  std::deque<Sample> open_;
  Histogram histogram_;
};

}  // namespace tandemq::broker
