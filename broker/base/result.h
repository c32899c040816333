// Result<T>: a value or an Error, for what a peer, client or operator did wrong. What we did wrong
// ourselves is a TMQ_CHECK (check.h).
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace tandemq {

// What went wrong, where, and what to do about it, as one sentence for a person.
struct Error {
  std::string message;
  int code = 1;  // meaning is local to the caller; programs use it as exit code
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : data_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : data_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return data_.index() == 0; }
  T& value() & { return std::get<0>(data_); }
  const T& value() const& { return std::get<0>(data_); }
  T&& value() && { return std::get<0>(std::move(data_)); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return std::get<1>(data_); }

 private:
  std::variant<T, Error> data_;
};

// Result of an action without a value.
struct Done {};
using Status = Result<Done>;

}  // namespace tandemq
