// File descriptors of this process.
#pragma once

#include <cstdint>

namespace tandemq {

// Makes the kernel's table large enough for so many at once. Left alone it doubles whenever it is
// full, and a process with threads stands still for each time, for 10 ms and more: the kernel waits
// until nobody can be looking at the old one. Beyond the limit (RLIMIT_NOFILE) it does nothing.
void reserve_descriptors(std::uint64_t count);

}  // namespace tandemq
