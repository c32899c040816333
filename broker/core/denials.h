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
  // The last three are messages that found no place: in the session's queue, in all queues
  // together, or that went for a newer one (`topic` is the one that is gone).
  enum class What : std::uint8_t { publish, subscribe, queue_full, queues_full, queue_oldest };
  static constexpr std::size_t kKinds = 5;
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
