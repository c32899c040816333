// Memory of this process, as the kernel counts it.
#pragma once

#include <cstdint>

namespace tandemq {

// What it reads costs a few microseconds.
class MemoryUse {
 public:
  MemoryUse();
  ~MemoryUse();
  MemoryUse(const MemoryUse&) = delete;
  MemoryUse& operator=(const MemoryUse&) = delete;

  // Resident, in bytes; 0: not to be had.
  std::uint64_t resident() const;

 private:
  int fd_;
  std::uint64_t page_size_;
};

// Gives the kernel what was freed in this process and is kept for use again. Takes time in
// proportion to that.
void give_back_freed_memory();

}  // namespace tandemq
