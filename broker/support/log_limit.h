// Keeps a flood of equal events out of the log: a fleet that reconnects, or a client that is
// refused for ever, must not fill the disk or hold the loop up. What is left out is counted.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace tandemq {

class LogLimit {
 public:
  static constexpr std::uint32_t kLinesPerSecond = 200;  // of one event

  // True when a line of this event may be written in this second.
  bool take(std::string_view event, std::uint64_t second);
  // What was left out in earlier seconds, once per event.
  void tell(std::uint64_t second,
            const std::function<void(const std::string& event, std::uint64_t lines)>& told);

 private:
  struct Count {
    std::uint64_t second = 0;
    std::uint32_t lines = 0;
    std::uint64_t left_out = 0;
  };
  std::map<std::string, Count, std::less<>> counts_;
  bool any_left_out_ = false;
};

}  // namespace tandemq
