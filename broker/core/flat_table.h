// FlatTable<T>: open addressing over pointers that others own, keyed by a hash that the caller
// computes. 16 bytes a slot, linear probing, no tombstones. Its order means nothing: each() is for
// work whose result does not depend on order.
#pragma once

#include <cstdint>
#include <vector>

namespace tandemq::core {

template <class T>
class FlatTable {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // The item with this hash for which `same(item)` holds, or null.
  template <class Same>
  T* find(std::uint64_t hash, Same&& same) const {
    if (slots_.empty()) return nullptr;
    for (std::size_t i = hash & mask();; i = (i + 1) & mask()) {
      const Slot& slot = slots_[i];
      if (!slot.item) return nullptr;
      if (slot.hash == hash && same(*slot.item)) return slot.item;
    }
  }

  // `item` must not be in the table yet.
  void insert(std::uint64_t hash, T* item) {
    if ((size_ + 1) * 10 > slots_.size() * 7) grow();
    place(hash, item);
    ++size_;
  }

  // `item` must be in the table under this hash.
  void erase(std::uint64_t hash, const T* item) {
    std::size_t hole = hash & mask();
    while (slots_[hole].item != item) hole = (hole + 1) & mask();
    // Close the gap: whatever probed past the hole moves into it.
    for (std::size_t i = (hole + 1) & mask(); slots_[i].item; i = (i + 1) & mask()) {
      const std::size_t home = slots_[i].hash & mask();
      if (((i - home) & mask()) >= ((i - hole) & mask())) {
        slots_[hole] = slots_[i];
        hole = i;
      }
    }
    slots_[hole] = {};
    --size_;
  }

  template <class Visit>
  void each(Visit&& visit) const {
    for (const Slot& slot : slots_)
      if (slot.item) visit(*slot.item);
  }

  void clear() { slots_ = {}, size_ = 0; }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    T* item = nullptr;
  };

  std::size_t mask() const { return slots_.size() - 1; }

  void place(std::uint64_t hash, T* item) {
    std::size_t i = hash & mask();
    while (slots_[i].item) i = (i + 1) & mask();
    slots_[i] = {hash, item};
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.item) place(slot.hash, slot.item);
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace tandemq::core
