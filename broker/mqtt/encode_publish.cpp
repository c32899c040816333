#include <algorithm>

#include "broker/mqtt/encode.h"
#include "broker/mqtt/encode_publish_properties.h"
#include "broker/mqtt/writer.h"

namespace tandemq::mqtt {
namespace {

// Above this size the payload is appended, not copied over bytes that resize() has just zeroed.
constexpr std::size_t payload_inline_max = 512;

struct PublishSize {
  std::size_t properties = 0;
  std::size_t remaining = 0;
  std::size_t whole() const { return 1 + variable_size(remaining) + remaining; }
};

PublishSize measure(Version version, const Publish& packet) {
  PublishSize size;
  size.remaining = 2 + packet.topic.size() + (packet.qos ? 2 : 0) + packet.payload.size();
  if (version == Version::v5) {
    size.properties = publish_properties_size(packet.properties);
    size.remaining += variable_size(size.properties) + size.properties;
  }
  return size;
}

}  // namespace

std::size_t encoded_size(Version version, const Publish& packet) {
  return measure(version, packet).whole();
}

void encode(std::string& out, Version version, const Publish& packet) {
  const PublishSize size = measure(version, packet);
  const bool append_payload = packet.payload.size() > payload_inline_max;
  const std::size_t whole = size.whole();
  if (append_payload && out.capacity() - out.size() < whole) {
    out.reserve(std::max(out.size() + whole, 2 * out.capacity()));
  }
  RawWriter writer = extend(out, whole - (append_payload ? packet.payload.size() : 0));
  writer.u8(0x30u | (packet.dup ? 8u : 0u) | static_cast<unsigned>(packet.qos) << 1 |
            (packet.retain ? 1u : 0u));
  writer.variable(size.remaining);
  writer.string(packet.topic);
  if (packet.qos) writer.u16(packet.packet_id);
  if (version == Version::v5) {
    writer.variable(size.properties);
    if (size.properties) write_publish_properties(writer, packet.properties);
  }
  if (append_payload) {
    out.append(packet.payload);
  } else {
    writer.bytes(packet.payload);
  }
}

}  // namespace tandemq::mqtt
