// Channels that have something to say: each sends once at the end of the turn. Keeps the emptied
// buffers for the next that need one, and counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tandemq::net {

class Channel;

// Bytes that a connection has not taken yet.
struct Unsent {
  std::string bytes;
  std::size_t sent = 0;
  std::size_t left() const { return bytes.size() - sent; }
};

struct Traffic {  // only grow, but for `unsent`
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t sends = 0;
  std::uint64_t unsent = 0;  // bytes now, of all channels
};

class SendQueue {
 public:
  // Sends what all queued channels have to say. Users hear which of them are lost.
  void flush();
  // So much is unsent since the last flush that it should not wait for the end of the turn.
  bool flush_due() const { return traffic.unsent > unsent_after_flush_ + kFlushAt; }

  void add(Channel& channel);
  void remove(Channel& channel);

  std::unique_ptr<Unsent> take_buffer();
  void give_back(std::unique_ptr<Unsent> buffer);
  void drop_spare() { spare_.clear(); }

  Traffic traffic;

 private:
  static constexpr std::size_t kFlushAt = 4 << 20;
  static constexpr std::size_t kSpareBuffers = 1024;
  static constexpr std::size_t kSpareCapacity = 256 << 10;

  std::vector<Channel*> queue_;  // null: removed
  std::vector<std::unique_ptr<Unsent>> spare_;
  std::uint64_t unsent_after_flush_ = 0;
};

}  // namespace tandemq::net
