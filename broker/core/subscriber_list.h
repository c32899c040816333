// The sessions that have one filter. Most filters have one subscriber: it stands in the list
// itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

namespace tandemq::core {

struct Session;

// One session's entry at a filter: 16 bytes, walked for each message. A subscription identifier has
// 28 bits (5.0 section 3.8.2.1.2), the options take the other four.
class Subscriber {
 public:
  Subscriber() = default;

  const Session& session() const { return *session_; }
  std::uint32_t identifier() const { return bits_ >> 4; }
  std::uint8_t qos() const { return bits_ & 3; }
  bool no_local() const { return (bits_ & 4) != 0; }
  bool retain_as_published() const { return (bits_ & 8) != 0; }

 private:
  friend class Subscriptions;
  Subscriber(Session* session, std::uint32_t bits, std::uint32_t slot)
      : session_(session), bits_(bits), slot_(slot) {}

  Session* session_ = nullptr;
  std::uint32_t bits_ = 0;
  std::uint32_t slot_ = 0;  // in the session's subscriptions
};

class SubscriberList {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Subscriber* begin() { return more_ ? more_.get() : &one_; }
  Subscriber* end() { return begin() + size_; }
  const Subscriber* begin() const { return more_ ? more_.get() : &one_; }
  const Subscriber* end() const { return begin() + size_; }
  Subscriber& operator[](std::size_t i) { return begin()[i]; }
  const Subscriber& operator[](std::size_t i) const { return begin()[i]; }
  Subscriber& back() { return begin()[size_ - 1]; }

  void push_back(const Subscriber& subscriber) {
    if (size_ == (more_ ? capacity_ : 1u)) grow();
    begin()[size_++] = subscriber;
  }
  void pop_back() { --size_; }

 private:
  void grow() {
    const std::uint32_t wanted = size_ < 4 ? 4 : size_ * 2;
    auto bigger = std::make_unique<Subscriber[]>(wanted);
    std::copy(begin(), end(), bigger.get());
    more_ = std::move(bigger);
    capacity_ = wanted;
  }

  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
  Subscriber one_;
  std::unique_ptr<Subscriber[]> more_;  // null while one is enough
};

}  // namespace tandemq::core
