// The bytes of one connection, both ways, over any transport; what they mean is its user's. An idle
// channel holds no buffer.
//
// Input: one read gives all that was kept of the last one and what has come since, as one view; the
// user keeps what it cannot handle yet. Output gathers until the end of the turn and is sent then.
// A channel ends by finish() (what is unsent goes out, then the write side is shut, then input is
// thrown away until the other end closes) or by its destruction, at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/net/send_queue.h"
#include "broker/net/transport.h"

namespace tandemq::net {

// Called from the loop and by SendQueue::flush, with the channel's id.
class ChannelUser {
 public:
  // Something came while it listens; not after finish().
  virtual void channel_readable(std::uint64_t id) = 0;
  // The connection has taken some of what it had no room for. Must not destroy the channel.
  virtual void channel_writable(std::uint64_t id) = 0;
  // Broken, or closed by the other end after finish(). Must destroy the channel.
  virtual void channel_lost(std::uint64_t id) = 0;

 protected:
  ~ChannelUser() = default;
};

// What the channels of one loop share.
struct ChannelPool {
  static constexpr std::size_t kReadSizeMax = 128 << 10;
  static constexpr std::size_t kHeadroom = 16 << 10;  // a shorter rest is read on in `input`
  SendQueue sending;
  std::vector<char> input = std::vector<char>(kHeadroom + kReadSizeMax);  // all reads go here
};

class Channel final : private TransportUser {
 public:
  // `user` and `pool` outlive it.
  Channel(std::uint64_t id, std::unique_ptr<Transport> transport, ChannelUser& user,
          ChannelPool& pool);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Reads once, `size_max` bytes at most. Io::done: input() has grown.
  Io read(std::size_t size_max);
  // All that was read and not handled; valid until the next read of any channel, or keep().
  std::string_view input() const { return input_; }
  // Only the last `size` bytes of input() are not handled yet. They stay for the next read.
  void keep(std::size_t size);
  bool has_rest() const { return rest_ != nullptr; }
  std::size_t rest() const { return rest_ ? rest_->size() : 0; }
  // Bytes have come that no channel_readable will tell of; read() gives them.
  bool pending() const { return transport_->pending(); }
  void listen(bool on);
  // Hears of the other end's closing while it does not listen.
  void watch(bool on);

  // Append to it, then say how many bytes it has grown by.
  std::string& output() {
    if (!unsent_) unsent_ = pool_.sending.take_buffer();
    return unsent_->bytes;
  }
  void appended(std::size_t size) {
    pool_.sending.traffic.unsent += size;
    if (queued_at_ == kNotQueued) pool_.sending.add(*this);
  }
  // Sends what the connection takes now. A loss is told by the next flush.
  void send();
  std::size_t unsent() const { return unsent_ ? unsent_->left() : 0; }
  // It takes no more for now; channel_writable comes.
  bool blocked() const { return blocked_; }
  bool broken() const { return broken_; }

  void finish();

  std::string peer_address() const { return transport_->peer_address(); }
  std::string peer_certificate() const { return transport_->peer_certificate(); }
  bool peer_trusted() const { return transport_->peer_trusted(); }

 private:
  friend class SendQueue;
  static constexpr std::uint32_t kNotQueued = ~std::uint32_t{0};
  static constexpr std::size_t kCompactAt = 256 << 10;  // sent bytes cut off a blocked buffer

  void transport_ready(Ready what) override;
  void flush();
  void write_unsent();
  void discard();
  void rearm();

  const std::uint64_t id_;
  std::unique_ptr<Transport> transport_;
  ChannelUser& user_;
  ChannelPool& pool_;
  std::unique_ptr<std::string> rest_;  // of the input, kept
  std::unique_ptr<Unsent> unsent_;
  std::string_view input_;
  std::uint32_t queued_at_ = kNotQueued;  // in the SendQueue
  bool listening_ = false;
  bool watching_ = false;
  bool blocked_ = false;
  bool broken_ = false;
  bool finishing_ = false;  // shut when all is sent
  bool shut_ = false;       // nothing is sent any more, input is thrown away
};

}  // namespace tandemq::net
