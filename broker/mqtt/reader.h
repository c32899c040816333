// Reads the fields of one MQTT packet front to back (5.0 section 1.5). After the first failure
// every read returns zero or an empty view, and the failure stays. Private to broker/mqtt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/mqtt/reason.h"
#include "broker/mqtt/topic.h"

namespace tandemq::mqtt {

class Reader {
 public:
  explicit Reader(std::string_view data) : at_(data.data()), end_(data.data() + data.size()) {}

  bool ok() const { return reason_ == Reason::success; }
  Reason reason() const { return reason_; }
  const char* text() const { return text_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  const char* at() const { return at_; }

  // Keeps the first failure. `text` is a literal.
  void fail(Reason reason, const char* text) {
    if (ok()) reason_ = reason, text_ = text;
    at_ = end_;
  }
  void malformed(const char* text) { fail(Reason::malformed_packet, text); }
  void protocol_error(const char* text) { fail(Reason::protocol_error, text); }
  // Takes over the failure of a reader of a part of this packet.
  void adopt(const Reader& part) {
    if (!part.ok()) fail(part.reason_, part.text_);
  }

  std::uint8_t u8() {
    if (!need(1)) return 0;
    return static_cast<std::uint8_t>(*at_++);
  }
  std::uint16_t u16() {
    if (!need(2)) return 0;
    const unsigned value = byte(0) << 8 | byte(1);
    at_ += 2;
    return static_cast<std::uint16_t>(value);
  }
  std::uint32_t u32() {
    if (!need(4)) return 0;
    const std::uint32_t value = byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
    at_ += 4;
    return value;
  }
  // Variable byte integer of a property or a property length; must be minimal ([MQTT-1.5.5-1]).
  std::uint32_t variable() {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
      const std::uint32_t next = u8();
      value |= (next & 0x7f) << shift;
      if (next & 0x80) continue;
      if (next == 0 && shift != 0) malformed("variable byte integer is not minimal");
      return value;
    }
    malformed("variable byte integer has more than four bytes");
    return 0;
  }
  std::string_view bytes(std::size_t size) {
    if (!need(size)) return {};
    const std::string_view view(at_, size);
    at_ += size;
    return view;
  }
  std::string_view binary() { return bytes(u16()); }
  std::string_view string() {
    const std::string_view view = binary();
    if (!valid_utf8(view)) {
      malformed("string is not UTF-8 or holds U+0000");
      return {};
    }
    return view;
  }
  std::string_view rest() { return bytes(left()); }

  // [MQTT-2.2.1-3]: never 0.
  std::uint16_t packet_id() {
    const std::uint16_t id = u16();
    if (id == 0) protocol_error("packet identifier is 0");
    return id;
  }

 private:
  bool need(std::size_t size) {
    if (left() >= size) return true;
    malformed("packet ends inside a field");
    return false;
  }
  unsigned byte(std::size_t i) const { return static_cast<unsigned char>(at_[i]); }

  const char* at_;
  const char* end_;
  Reason reason_ = Reason::success;
  const char* text_ = "";
};

}  // namespace tandemq::mqtt
