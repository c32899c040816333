#include "broker/net/handshakes.h"

#include <event2/event.h>

#include <algorithm>
#include <utility>

#include "broker/net/priorities.h"
#include "broker/support/turn.h"

namespace tandemq::net {
namespace {

constexpr std::uint64_t kShareNs = 3'000'000;  // and the last step beyond it

}  // namespace

Handshakes::Handshakes(event_base* base, std::function<void()> begin_turn)
    : base_(base), begin_turn_(std::move(begin_turn)) {
  if (!base_) return;
  const auto call = [](evutil_socket_t, short, void* self) {
    static_cast<Handshakes*>(self)->run();
  };
  event_assign(&event_, base_, -1, 0, call, this);
  event_priority_set(&event_, kClientPriority);
}

Handshakes::~Handshakes() {
  if (base_) event_del(&event_);
}

// A timer that is due comes after what is ready now, and before the loop sleeps.
void Handshakes::wake() {
  constexpr timeval at_once{0, 0};
  if (base_) event_add(&event_, &at_once);
}

void Handshakes::add(Handshaker& one, bool begun) {
  (begun ? begun_ : fresh_).push_back(&one);
  if (++size_ == 1) wake();
}

void Handshakes::remove(const Handshaker& one) {
  for (auto* row : {&begun_, &fresh_}) {
    const auto found = std::find(row->begin(), row->end(), &one);
    if (found == row->end()) continue;
    *found = nullptr;
    --size_;
    return;
  }
}

void Handshakes::run() {
  if (begin_turn_) begin_turn_();
  const std::uint64_t until = monotonic_ns() + kShareNs;
  while (size_ > 0) {
    auto& row = begun_.empty() ? fresh_ : begun_;
    Handshaker* const next = row.front();
    row.pop_front();
    if (!next) continue;
    --size_;
    next->handshake();
    if (monotonic_ns() >= until) break;
  }
  if (size_ > 0) wake();
}

}  // namespace tandemq::net
