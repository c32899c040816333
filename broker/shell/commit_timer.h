// How long records wait for their commit, and how many bytes of them: one sample a turn that
// appended any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "broker/base/ids.h"
#include "broker/shell/histogram.h"

namespace tandemq::broker {

class CommitTimer {
 public:
  // Bodies of the records up to `last` that no earlier call counted.
  void appended(Lsn last, std::size_t bytes, std::uint64_t at_ns) {
    if (last <= committed_) return;  // within the turn that appended it
    open_.push_back({last, bytes, at_ns});
    open_bytes_ += bytes;
  }
  void committed(Lsn lsn, std::uint64_t now_ns) {
    committed_ = lsn;
    for (; !open_.empty() && open_.front().lsn <= lsn; open_.pop_front()) {
      histogram_.observe_ns(now_ns - open_.front().at_ns);
      open_bytes_ -= open_.front().bytes;
    }
  }
  void forget() {
    open_.clear();
    open_bytes_ = 0;
    committed_ = 0;
  }
  std::size_t open_bytes() const { return open_bytes_; }
  const Histogram& histogram() const { return histogram_; }

 private:
  struct Sample {
    Lsn lsn;
    std::size_t bytes;
    std::uint64_t at_ns;
  };
  std::deque<Sample> open_;
  std::size_t open_bytes_ = 0;
  Lsn committed_ = 0;
  Histogram histogram_;
};

}  // namespace tandemq::broker
