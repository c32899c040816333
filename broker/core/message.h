// One published message: immutable, counted, stored once however many queues and sockets need it.
// A single allocation holds the header, the topic, the forwarded properties and the payload.
#pragma once

#include <cstdint>
#include <string_view>

#include "broker/base/ids.h"
#include "broker/base/ref.h"

namespace tandemq::core {

struct MessageFields {
  std::string_view topic;
  std::string_view payload;
  std::string_view properties;  // encoded 5.0 properties that travel unchanged
                                // (mqtt::PublishProperties::forward)
  std::uint8_t qos = 0;
  bool retain = false;    // as the publisher set it
  TimeMs expires_at = 0;  // 0: never
};

class Message {
 public:
  static Ref<Message> create(const MessageFields& fields);
  static void destroy(const Message* message);

  std::string_view topic() const { return {data(), topic_size_}; }
  std::string_view properties() const { return {data() + topic_size_, properties_size_}; }
  std::string_view payload() const {
    return {data() + topic_size_ + properties_size_, payload_size_};
  }
  std::uint8_t qos() const { return qos_; }
  bool retain() const { return retain_; }
  TimeMs expires_at() const { return expires_at_; }
  bool expired(TimeMs now) const { return expires_at_ != 0 && expires_at_ <= now; }
  MessageFields fields() const {
    return {topic(), payload(), properties(), qos_, retain_, expires_at_};
  }
  // Bytes that this message occupies, for queue limits.
  std::size_t footprint() const {
    return sizeof(Message) + topic_size_ + properties_size_ + payload_size_;
  }
  // Of one that is not made yet.
  static std::size_t footprint(const MessageFields& fields) {
    return sizeof(Message) + fields.topic.size() + fields.properties.size() + fields.payload.size();
  }

  mutable std::uint32_t refs = 0;

 private:
  explicit Message(const MessageFields& fields);
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }

  std::uint32_t payload_size_;
  TimeMs expires_at_;
  std::uint32_t properties_size_;
  std::uint16_t topic_size_;
  std::uint8_t qos_;
  bool retain_;
};

using MessageRef = Ref<Message>;

}  // namespace tandemq::core
