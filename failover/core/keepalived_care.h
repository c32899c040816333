// What is to be done about a keepalived that lives and does not do its part. It opens its sockets
// when it starts and when its configuration is read again: one that started before the address it
// speaks from, or whose interface was made anew under it, stays deaf for good.
#pragma once

#include <functional>

#include "failover/core/state.h"

namespace tandemq::failover {

enum class Cure : std::uint8_t {
  none,
  touch,   // the track file: one that starts reads its own value after ours was written
  reload,  // its configuration: it opens its sockets anew
  restart
};

class KeepalivedCare {
 public:
  // The service interface is another one than before, of the same name.
  void interface_replaced() { replaced_ = true; }
  // Every now and then. `source_here` (asked only when it matters): the address that keepalived
  // speaks from is on this host.
  Cure judge(const State& state, const std::function<bool()>& source_here);

 private:
  bool replaced_ = false;
  TimeMs deaf_since_ = 0;  // in FAULT where it should not be, 0: it is not
  TimeMs touched_at_ = 0;
  TimeMs restarted_at_ = 0;
};

}  // namespace tandemq::failover
