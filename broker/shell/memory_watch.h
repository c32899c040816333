// Keeps the process below limits.memory_max: reads what it uses at the end of turns, and tells the
// clients what that asks for.
#pragma once

#include <cstdint>

#include "broker/clients/clients.h"
#include "broker/clients/memory_ceiling.h"
#include "broker/support/memory_use.h"

namespace tandemq::broker {

class MemoryWatch {
 public:
  // `max` in bytes, 0: none. The clients outlive it.
  MemoryWatch(std::uint64_t max, Clients& clients) : ceiling_(max), clients_(clients) {}

  // Looks if the last time is long enough ago.
  void look(std::uint64_t now_ns);
  const MemoryCeiling& ceiling() const { return ceiling_; }
  std::uint64_t resident() const { return use_.resident(); }

 private:
  void tell() const;
  void relieve(std::uint64_t now_ns);

  MemoryCeiling ceiling_;
  Clients& clients_;
  MemoryUse use_;
  std::uint64_t looked_ns_ = 0, relieved_ns_ = 0;
};

}  // namespace tandemq::broker
