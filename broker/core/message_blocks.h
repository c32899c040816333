// Memory for messages. They come and go by the thousand within one turn, more than an allocator
// keeps at hand: blocks of the usual sizes are kept for the next ones. A list for each thread; what
// another thread has allocated may be given back to it as well.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

namespace tandemq::core {

// Whether a message that is used after its end is to be seen: then no block is used again.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kWatchBlocks = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool kWatchBlocks = true;
#else
inline constexpr bool kWatchBlocks = false;
#endif
#else
inline constexpr bool kWatchBlocks = false;
#endif

class MessageBlocks {
 public:
  MessageBlocks() = default;
  ~MessageBlocks() {
    for (Kept& kept : kept_)
      while (kept.first) ::operator delete(take(kept));
  }
  MessageBlocks(const MessageBlocks&) = delete;
  MessageBlocks& operator=(const MessageBlocks&) = delete;

  void* allocate(std::size_t size) {
    const std::size_t step = step_of(size);
    if (step >= kSteps) return ::operator new(size);
    Kept& kept = kept_[step];
    return kept.first ? take(kept) : ::operator new(step* kStep + kStep - kOwn);
  }
  // `size`: as it was allocated.
  void release(void* block, std::size_t size) {
    const std::size_t step = step_of(size);
    if (step >= kSteps || kept_[step].count == kKeptMax) return ::operator delete(block);
    Kept& kept = kept_[step];
    kept.first = new (block) Free{kept.first};
    ++kept.count;
  }

 private:
  static constexpr std::uint32_t kKeptMax = kWatchBlocks ? 0 : 1024;  // of one size
  static constexpr std::size_t kStep = 16;
  static constexpr std::size_t kOwn = 8;     // of each step, that malloc keeps for itself
  static constexpr std::size_t kSteps = 32;  // sizes up to about 500 bytes

  struct Free {
    Free* next;
  };
  struct Kept {
    Free* first = nullptr;
    std::uint32_t count = 0;
  };

  // Blocks are as large as malloc makes them anyway: multiples of 16, less 8.
  static std::size_t step_of(std::size_t size) { return (size + kOwn - 1) / kStep; }
  static void* take(Kept& kept) {
    Free* block = kept.first;
    kept.first = block->next;
    --kept.count;
    return block;
  }

  std::array<Kept, kSteps> kept_;
};

}  // namespace tandemq::core
