#include "broker/net/admission.h"

#include <utility>

#include "broker/support/log.h"

namespace tandemq::net {

void Admission::come(std::size_t listener, std::unique_ptr<Transport> transport,
                     std::uint64_t now_ns) {
  if (per_second_ == 0) {
    enter_(listener, std::move(transport));
    return;
  }
  waiting_.push_back({listener, std::move(transport)});
  const bool alone = waiting_.size() == 1;
  go_on(now_ns);
  if (alone && !waiting_.empty()) {
    log(LogLevel::notice, "connections_wait",
        {{"reason", "more come than limits.connect_rate_max lets in, the others wait in order"}});
  }
}

void Admission::go_on(std::uint64_t now_ns) {
  while (!waiting_.empty() && !bucket_.empty(now_ns)) {
    Waiting first = std::move(waiting_.front());
    waiting_.pop_front();
    if (first.transport->gone()) continue;
    if (enter_(first.listener, std::move(first.transport))) bucket_.take(1, per_second_, now_ns);
  }
}

}  // namespace tandemq::net
