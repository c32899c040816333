// Bytes to packets, without I/O. Zero-copy: the packet's views point into the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/mqtt/packet.h"

namespace tandemq::mqtt {

class Reader;

enum class Decoded : std::uint8_t {
  packet,     // `packet` is filled, `consumed` bytes belong to it
  need_more,  // the input holds no whole packet; nothing consumed
  error       // reason and text say what is wrong; close the connection
};

enum class Side : std::uint8_t { server, client };  // who is reading

// Decodes the packets of one connection. Holds only what later packets depend on: the protocol
// version (set by the CONNECT that it decodes, or by set_version on a client) and limits.
class Decoder {
 public:
  explicit Decoder(Side side = Side::server, std::uint32_t maximum_packet_size = 0)
      : side_(side), maximum_packet_size_(maximum_packet_size) {}

  // Reads one packet from the front of `in`. Views in `packet` are valid while `in` is, and until
  // the next call of decode. What is wrong is told as early as it can be seen, a bad first byte or
  // a packet that is too large without waiting for the rest.
  // The first packet that a server reads must be CONNECT, and only the first.
  Decoded decode(std::string_view in, Packet& packet, std::size_t& consumed);

  // The CONNECT that it has decoded comes again: whoever reads it could not handle it yet.
  void expect_connect_again() { connected_ = false; }

  Version version() const { return version_; }
  void set_version(Version version) { version_ = version; }

  // After Decoded::error: the reason code for CONNACK or DISCONNECT, and what was wrong. When a
  // CONNECT was at fault, version() is the one it asked for, or for an unsupported one the closest
  // in which an answer will be understood.
  Reason error_reason() const { return reason_; }
  const char* error_text() const { return text_; }

 private:
  Decoded fail(Reason reason, const char* text);
  bool first_byte_ok(std::uint8_t first);
  void decode_body(Reader& in, std::uint8_t first, Packet& packet);

  Side side_;
  Version version_ = Version::v5;
  bool connected_ = false;
  Reason reason_ = Reason::success;
  std::uint32_t maximum_packet_size_;
  const char* text_ = "";
  std::string scratch_;  // forwarded properties that were not contiguous in the input
};

}  // namespace tandemq::mqtt
