#include "broker/support/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

namespace tandemq {

// One with a high number makes it so, and the table never shrinks.
void reserve_descriptors(std::uint64_t count) {
  const int any = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (any < 0) return;
  const int highest = static_cast<int>(std::clamp<std::uint64_t>(count, 1, INT_MAX)) - 1;
  const int high = fcntl(any, F_DUPFD_CLOEXEC, highest);
  if (high >= 0) close(high);
  close(any);
}

}  // namespace tandemq
