#include "broker/core/message.h"

#include <cstring>
#include <new>

#include "broker/core/message_blocks.h"

namespace tandemq::core {

namespace {

thread_local MessageBlocks blocks;

}  // namespace

Message::Message(const MessageFields& fields)
    : payload_size_(static_cast<std::uint32_t>(fields.payload.size())),
      expires_at_(fields.expires_at),
      properties_size_(static_cast<std::uint32_t>(fields.properties.size())),
      topic_size_(static_cast<std::uint16_t>(fields.topic.size())),
      qos_(fields.qos),
      retain_(fields.retain) {}

Ref<Message> Message::create(const MessageFields& fields) {
  const std::size_t size =
      sizeof(Message) + fields.topic.size() + fields.properties.size() + fields.payload.size();
  auto* message = new (blocks.allocate(size)) Message(fields);
  char* at = reinterpret_cast<char*>(message + 1);
  auto append = [&at](std::string_view part) {
    if (part.empty()) return;
    std::memcpy(at, part.data(), part.size());
    at += part.size();
  };
  append(fields.topic);
  append(fields.properties);
  append(fields.payload);
  return Ref<Message>(message);
}

void Message::destroy(const Message* message) {
  const std::size_t size = message->footprint();
  message->~Message();
  blocks.release(const_cast<Message*>(message), size);
}

}  // namespace tandemq::core
