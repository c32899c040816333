// Bytes that are appended, handed on as a whole and forgotten, again and again: the memory stays,
// and room for more is not cleared first.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace tandemq {

class ByteBuffer {
 public:
  bool empty() const { return used_ == 0; }
  std::size_t size() const { return used_; }
  std::string_view view() const { return {bytes_.data(), used_}; }

  // Room for `size` bytes at the end, to be written; valid until the next call.
  char* extend(std::size_t size) {
    if (bytes_.size() - used_ < size) bytes_.resize(std::max(used_ + size, 2 * bytes_.size()));
    char* at = bytes_.data() + used_;
    used_ += size;
    return at;
  }
  void append(std::string_view s) {
    if (!s.empty()) std::memcpy(extend(s.size()), s.data(), s.size());
  }
  void clear() { used_ = 0; }
  void swap(ByteBuffer& other) {
    bytes_.swap(other.bytes_);
    std::swap(used_, other.used_);
  }

 private:
  std::vector<char> bytes_;  // as much as was ever needed at once
  std::size_t used_ = 0;
};

}  // namespace tandemq
