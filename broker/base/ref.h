// Ref<T>: intrusive reference to an immutable object that many owners share. T keeps its count in
// a member `mutable std::uint32_t refs` and is destroyed with T::destroy(const T*).
// Not for sharing between threads: the count is a plain number.
#pragma once

#include <utility>

namespace tandemq {

template <class T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(const T* object) : object_(object) { retain(); }
  Ref(const Ref& other) : object_(other.object_) { retain(); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ && --object_->refs == 0) T::destroy(object_);
  }

  const T* get() const { return object_; }
  const T* operator->() const { return object_; }
  const T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  void retain() {
    if (object_) ++object_->refs;
  }
  const T* object_ = nullptr;
};

}  // namespace tandemq
