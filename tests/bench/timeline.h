// When what happened in a failover, all on the steady clock. Gaps are counted over all clients.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace tandemq::bench {

class Timeline {
 public:
  // Acknowledgements count from here on, and until end(), which is a gap's end as well.
  void begin(std::uint64_t now) { began_ns_ = last_ack_ns_ = now; }
  void end(std::uint64_t now) {
    acknowledged_at(now);
    ended_ = true;
  }
  void killed(std::uint64_t now) { killed_ns_ = now; }
  void acknowledged(std::uint64_t now) {
    if (ended_ || began_ns_ == 0) return;
    if (now > killed_ns_ && killed_ns_ && !first_ack_ns_) first_ack_ns_ = now;
    acknowledged_at(now);
  }
  void down(std::uint64_t now) {
    ++downs_;
    if (killed_ns_ && !first_down_ns_) first_down_ns_ = now;
  }
  // A client that was connected before is back, `away_ns` after it went down.
  void back(std::uint64_t now, std::uint64_t away_ns) {
    away_ns_.push_back(away_ns);
    if (!killed_ns_) return;
    // What came before was still on its way from the old primary.
    if (backs_ns_.empty()) first_ack_ns_ = 0;
    backs_ns_.push_back(now);
  }

  std::uint64_t began_ns() const { return began_ns_; }
  std::uint64_t killed_ns() const { return killed_ns_; }          // 0: nobody was
  std::uint64_t first_down_ns() const { return first_down_ns_; }  // after the kill; 0: none
  // After the kill, and after the first client came back if any had to; 0: none.
  std::uint64_t first_ack_ns() const { return first_ack_ns_; }
  std::uint64_t longest_gap_ns() const { return gap_ns_; }
  std::uint64_t longest_gap_began_ns() const { return gap_began_ns_; }
  // The longest that reached into the second after the kill: the failover's, whatever stalled
  // before or later.
  std::uint64_t failover_gap_ns() const { return failover_gap_ns_; }
  std::uint64_t downs() const { return downs_; }
  // After the kill, when so much of all returns (0 to 1) had happened; 0: none did.
  std::uint64_t back_ns(double share) const { return at(backs_ns_, share); }
  std::uint64_t away_ns(double share) const { return at(away_ns_, share); }
  std::size_t backs() const { return away_ns_.size(); }

 private:
  static constexpr std::uint64_t kSecondNs = 1'000'000'000;

  void acknowledged_at(std::uint64_t now) {
    const std::uint64_t gap = now - last_ack_ns_;
    if (gap > gap_ns_) {
      gap_ns_ = gap;
      gap_began_ns_ = last_ack_ns_;
    }
    if (killed_ns_ && last_ack_ns_ < killed_ns_ + kSecondNs) {
      failover_gap_ns_ = std::max(failover_gap_ns_, gap);
    }
    last_ack_ns_ = now;
  }
  static std::uint64_t at(std::vector<std::uint64_t> values, double share) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const double last = static_cast<double>(values.size() - 1);
    return values[static_cast<std::size_t>(std::lround(share * last))];
  }

  std::uint64_t began_ns_ = 0;
  std::uint64_t killed_ns_ = 0;
  std::uint64_t first_down_ns_ = 0;
  std::uint64_t first_ack_ns_ = 0;
  std::uint64_t last_ack_ns_ = 0;
  std::uint64_t gap_ns_ = 0;
  std::uint64_t gap_began_ns_ = 0;
  std::uint64_t failover_gap_ns_ = 0;
  std::uint64_t downs_ = 0;
  bool ended_ = false;
  std::vector<std::uint64_t> backs_ns_;
  std::vector<std::uint64_t> away_ns_;
};

}  // namespace tandemq::bench
