#include "broker/net/send_queue.h"

#include <utility>

#include "broker/net/channel.h"

namespace tandemq::net {

void SendQueue::flush() {
  for (std::size_t i = 0; i < queue_.size(); ++i) {
    if (Channel* channel = std::exchange(queue_[i], nullptr)) channel->flush();
  }
  queue_.clear();
  unsent_after_flush_ = traffic.unsent;
}

void SendQueue::add(Channel& channel) {
  if (channel.queued_at_ != Channel::kNotQueued) return;
  channel.queued_at_ = static_cast<std::uint32_t>(queue_.size());
  queue_.push_back(&channel);
}

void SendQueue::remove(Channel& channel) {
  if (channel.queued_at_ != Channel::kNotQueued) queue_[channel.queued_at_] = nullptr;
  channel.queued_at_ = Channel::kNotQueued;
}

std::unique_ptr<Unsent> SendQueue::take_buffer() {
  if (spare_.empty()) return std::make_unique<Unsent>();
  std::unique_ptr<Unsent> buffer = std::move(spare_.back());
  spare_.pop_back();
  return buffer;
}

// It has its capacity already.
void SendQueue::give_back(std::unique_ptr<Unsent> buffer) {
  if (spare_.size() >= kSpareBuffers || buffer->bytes.capacity() > kSpareCapacity) return;
  buffer->bytes.clear();
  buffer->sent = 0;
  spare_.push_back(std::move(buffer));
}

}  // namespace tandemq::net
