#include "broker/support/memory_use.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdio>

namespace tandemq {

MemoryUse::MemoryUse()
    : fd_(open("/proc/self/statm", O_RDONLY | O_CLOEXEC)),
      page_size_(static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))) {}

MemoryUse::~MemoryUse() {
  if (fd_ >= 0) close(fd_);
}

std::uint64_t MemoryUse::resident() const {
  char text[128];
  const ssize_t size = fd_ < 0 ? -1 : pread(fd_, text, sizeof(text) - 1, 0);
  if (size <= 0) return 0;
  text[size] = 0;
  unsigned long long all = 0, resident = 0;
  if (std::sscanf(text, "%llu %llu", &all, &resident) != 2) return 0;
  return resident * page_size_;
}

void give_back_freed_memory() {
  malloc_trim(0);
}

}  // namespace tandemq
