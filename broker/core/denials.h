// What clients were denied since the shell asked last, for its log: a few of each kind that names
// client and topic. How many there were altogether, EngineCounters says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandemq::core {

struct Denial {
  enum class What : std::uint8_t { publish, subscribe, queue_full };
  static constexpr std::size_t kKinds = 3;
  What what;
  std::string client_id, username, topic;
};

class Denials {
 public:
  void add(Denial::What what, std::string_view client_id, std::string_view username,
           std::string_view topic) {
    std::uint8_t& count = counts_[static_cast<std::size_t>(what)];
    if (count == kEach) return;
    ++count;
    all_.push_back({what, std::string(client_id), std::string(username),
                    std::string(topic.substr(0, kTopicMax))});
  }
  std::vector<Denial> take() {
    for (std::uint8_t& count : counts_) count = 0;
    return std::exchange(all_, {});
  }

 private:
  static constexpr std::uint8_t kEach = 8;
  static constexpr std::size_t kTopicMax = 256;
  std::uint8_t counts_[Denial::kKinds] = {};
  std::vector<Denial> all_;
};

}  // namespace tandemq::core
