// The client's side of a WebSocket (RFC 6455): MQTT in binary frames. Pure: bytes in, bytes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tandemq::bench {

class WebSocket {
 public:
  enum class Answer : std::uint8_t { need_more, accepted, refused };

  static std::string request(const std::string& host);
  static Answer read_answer(std::string_view text);
  // What stands before a payload of `size` bytes, which follows as it is: its mask is 0.
  static std::string header(std::size_t size);

  // Takes the frames off what came; the payload moves to the front of `data`. Returns its size.
  std::size_t unframe(char* data, std::size_t size);

 private:
  void read_header(char byte);

  std::string head_;           // of the frame that begins
  bool carries_mqtt_ = false;  // else a control frame, which is passed over
  std::uint64_t left_ = 0;     // bytes of the frame's payload that are still to come
};

}  // namespace tandemq::bench
