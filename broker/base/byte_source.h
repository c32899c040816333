// Bytes on their way to where they are wanted, written there and copied nowhere before.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "broker/base/check.h"

namespace tandemq {

// What is written field by field is described once, by a function of one of these: how many bytes
// it takes, and the bytes.
class FieldCounter {
 public:
  void u8(std::uint8_t) { size_ += 1; }
  void u16(std::uint16_t) { size_ += 2; }
  void u32(std::uint32_t) { size_ += 4; }
  void u64(std::uint64_t) { size_ += 8; }
  void string16(std::string_view s) { size_ += 2 + s.size(); }
  void string32(std::string_view s) { size_ += 4 + s.size(); }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

// Into memory that is large enough.
class FieldWriter {
 public:
  explicit FieldWriter(char* at) : at_(at) {}

  void u8(std::uint8_t value) { le(value); }
  void u16(std::uint16_t value) { le(value); }
  void u32(std::uint32_t value) { le(value); }
  void u64(std::uint64_t value) { le(value); }
  void string16(std::string_view s) { u16(static_cast<std::uint16_t>(s.size())), text(s); }
  void string32(std::string_view s) { u32(static_cast<std::uint32_t>(s.size())), text(s); }
  char* end() const { return at_; }

 private:
  template <class T>
  void le(T value) {
    std::memcpy(at_, &value, sizeof(T));
    at_ += sizeof(T);
  }
  void text(std::string_view s) {
    if (s.empty()) return;
    std::memcpy(at_, s.data(), s.size());
    at_ += s.size();
  }

  char* at_;
};

// Bytes that are wanted somewhere: a text, or what a function writes there, so that it is copied
// nowhere before. Refers to either; for arguments.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(std::string_view text) : size_(text.size()), object_(text.data()) {}
  ByteSource(const std::string& text) : ByteSource(std::string_view(text)) {}
  ByteSource(const char* text) : ByteSource(std::string_view(text)) {}
  // write(at): exactly `size` bytes; returns their end.
  template <class Write>
  ByteSource(std::size_t size, const Write& write)
      : size_(size), object_(&write), write_([](const void* object, char* at) {
          return (*static_cast<const Write*>(object))(at);
        }) {}

  std::size_t size() const { return size_; }
  void write(char* at) const {
    if (write_)
      TMQ_CHECK(write_(object_, at) == at + size_);
    else if (size_ != 0)
      std::memcpy(at, object_, size_);
  }
  std::string text() const {
    std::string text(size_, '\0');
    write(text.data());
    return text;
  }

 private:
  std::size_t size_ = 0;
  const void* object_ = nullptr;
  char* (*write_)(const void* object, char* at) = nullptr;
};

}  // namespace tandemq
