#include "broker/support/log_limit.h"

#include <utility>

namespace tandemq {

bool LogLimit::take(std::string_view event, std::uint64_t second) {
  auto found = counts_.find(event);
  if (found == counts_.end()) found = counts_.emplace(event, Count{}).first;
  Count& count = found->second;
  if (count.second != second) count.second = second, count.lines = 0;
  if (++count.lines <= kLinesPerSecond) return true;
  ++count.left_out;
  any_left_out_ = true;
  return false;
}

void LogLimit::tell(
    std::uint64_t second,
    const std::function<void(const std::string& event, std::uint64_t lines)>& told) {
  if (!any_left_out_) return;
  any_left_out_ = false;
  for (auto& [event, count] : counts_) {
    if (count.left_out == 0) continue;
    if (count.second == second) {
      any_left_out_ = true;
    } else {
      told(event, std::exchange(count.left_out, 0));
    }
  }
}

}  // namespace tandemq
