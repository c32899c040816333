// Little-endian readers and writers for our own formats (journal, replication, snapshot), and
// big-endian helpers for MQTT. Views never outlive the buffer that they were read from.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tandemq {

static_assert(std::endian::native == std::endian::little, "formats are written as little-endian");

template <class T>
void put_le(std::string& out, T value) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  out.append(raw, sizeof(T));
}

template <class T>
T get_le(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

// Reads a buffer front to back. After a read past the end ok() is false, every further read
// returns zero or an empty view, and nothing was touched outside the buffer.
class ByteReader {
 public:
  explicit ByteReader(std::string_view data) : data_(data) {}

  bool ok() const { return ok_; }
  std::size_t left() const { return data_.size(); }
  void fail() { ok_ = false, data_ = {}; }

  template <class T>
  T le() {
    if (data_.size() < sizeof(T)) return fail(), T{};
    T value = get_le<T>(data_.data());
    data_.remove_prefix(sizeof(T));
    return value;
  }
  std::string_view bytes(std::size_t size) {
    if (data_.size() < size) return fail(), std::string_view{};
    std::string_view view = data_.substr(0, size);
    data_.remove_prefix(size);
    return view;
  }
  // A string written by put_string32 / put_string16.
  std::string_view string32() { return bytes(le<std::uint32_t>()); }
  std::string_view string16() { return bytes(le<std::uint16_t>()); }

 private:
  std::string_view data_;
  bool ok_ = true;
};

inline void put_string32(std::string& out, std::string_view s) {
  put_le(out, static_cast<std::uint32_t>(s.size()));
  out.append(s);
}
// s.size() must be below 65536.
inline void put_string16(std::string& out, std::string_view s) {
  put_le(out, static_cast<std::uint16_t>(s.size()));
  out.append(s);
}

}  // namespace tandemq
