// FlatTable<T>: open addressing over pointers that others own, keyed by a hash that the caller
// computes. 16 bytes a slot, linear probing, no tombstones. Its order means nothing: each() is for
// work whose result does not depend on order.
//
// A large table grows step by step: the smaller one stays beside its successor, and each insertion
// and removal moves a few of its clusters over, so that no single call takes long.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

namespace tandemq::core {

template <class T>
class FlatTable {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // The item with this hash for which `same(item)` holds, or null.
  template <class Same>
  T* find(std::uint64_t hash, Same&& same) const {
    if (T* item = find_in(now_, hash, same)) return item;
    return old_.slots ? find_in(old_, hash, same) : nullptr;
  }

  // `item` must not be in the table yet.
  void insert(std::uint64_t hash, T* item) {
    if ((size_ + 1) * 10 > now_.capacity() * 7) grow();
    if (old_.slots) move_some(kSlotsPerStep);
    place(hash, item);
    ++size_;
  }

  // `item` must be in the table under this hash.
  void erase(std::uint64_t hash, const T* item) {
    if (!erase_in(now_, hash, item)) erase_in(old_, hash, item);
    --size_;
    if (old_.slots) move_some(kSlotsPerStep);
  }

  template <class Visit>
  void each(Visit&& visit) const {
    for (const Array* array : {&now_, &old_})
      for (std::size_t i = 0; i < array->capacity(); ++i)
        if (T* item = array->slots[i].item) visit(*item);
  }

 private:
  static constexpr std::size_t kFirstCapacity = 16;
  static constexpr std::size_t kAtOnce = 4096;      // slots; a smaller table grows in one go
  static constexpr std::size_t kSlotsPerStep = 16;  // twice would do to be through before the next

  struct Slot {
    std::uint64_t hash;
    T* item;  // null: free
  };
  struct Free {
    void operator()(Slot* slots) const { std::free(slots); }
  };
  struct Array {
    // From calloc: the pages of a large table are cleared when they are first used.
    std::unique_ptr<Slot[], Free> slots;
    std::size_t mask = 0;

    std::size_t capacity() const { return slots ? mask + 1 : 0; }
    void allocate(std::size_t capacity) {
      slots.reset(static_cast<Slot*>(std::calloc(capacity, sizeof(Slot))));
      if (!slots) throw std::bad_alloc();
      mask = capacity - 1;
    }
  };

  template <class Same>
  static T* find_in(const Array& array, std::uint64_t hash, Same&& same) {
    if (!array.slots) return nullptr;
    for (std::size_t i = hash & array.mask;; i = (i + 1) & array.mask) {
      const Slot& slot = array.slots[i];
      if (!slot.item) return nullptr;
      if (slot.hash == hash && same(*slot.item)) return slot.item;
    }
  }

  static bool erase_in(Array& array, std::uint64_t hash, const T* item) {
    if (!array.slots) return false;
    Slot* const slots = array.slots.get();
    const std::size_t mask = array.mask;
    std::size_t hole = hash & mask;
    for (; slots[hole].item != item; hole = (hole + 1) & mask)
      if (!slots[hole].item) return false;
    // Close the gap: whatever probed past the hole moves into it.
    for (std::size_t i = (hole + 1) & mask; slots[i].item; i = (i + 1) & mask) {
      const std::size_t home = slots[i].hash & mask;
      if (((i - home) & mask) >= ((i - hole) & mask)) {
        slots[hole] = slots[i];
        hole = i;
      }
    }
    slots[hole] = {};
    return true;
  }

  void place(std::uint64_t hash, T* item) {
    std::size_t i = hash & now_.mask;
    while (now_.slots[i].item) i = (i + 1) & now_.mask;
    now_.slots[i] = {hash, item};
  }

  void grow() {
    if (old_.slots) move_some(old_.capacity());
    old_ = std::move(now_);
    const std::size_t capacity = old_.capacity();
    now_.allocate(capacity == 0 ? kFirstCapacity : capacity * 2);
    if (capacity == 0) return;
    // Clusters move as a whole, so the first begins behind a free slot.
    next_ = 0;
    while (old_.slots[next_].item) ++next_;
    left_ = capacity;
    if (capacity < kAtOnce) move_some(capacity);
  }

  // Moves the items of about `count` slots, to the end of a cluster: what stays is found as before.
  void move_some(std::size_t count) {
    bool in_cluster = false;
    while (left_ > 0 && (count > 0 || in_cluster)) {
      Slot& slot = old_.slots[next_];
      in_cluster = slot.item != nullptr;
      if (in_cluster) place(slot.hash, slot.item);
      slot = {};
      next_ = (next_ + 1) & old_.mask;
      --left_;
      if (count > 0) --count;
    }
    if (left_ == 0) old_ = {};
  }

  Array now_;
  Array old_;             // what is still to be moved; no slots: nothing is
  std::size_t next_ = 0;  // slot of old_ to move next
  std::size_t left_ = 0;  // slots of old_ not yet looked at
  std::size_t size_ = 0;
};

}  // namespace tandemq::core
