// Properties of PUBLISH and will, without their length. Private to broker/mqtt.
#pragma once

#include "broker/mqtt/writer.h"

namespace tandemq::mqtt {

constexpr std::uint64_t written(Property property) {
  return std::uint64_t{1} << static_cast<unsigned>(property);
}
static_assert((properties_with(carrier::publish | carrier::will) &
               ~properties_with(carrier::forwarded)) ==
                  (written(Property::message_expiry) | written(Property::topic_alias) |
                   written(Property::subscription_identifier) | written(Property::will_delay)),
              "what is not forwarded is written here, but for a will's delay (encode_connect.cpp)");

inline std::size_t publish_properties_size(const PublishProperties& p) {
  std::size_t size = p.forward.size() + (p.has_message_expiry ? 5 : 0) + (p.topic_alias ? 3 : 0);
  for (const std::uint32_t id : p.subscription_identifiers) size += 1 + variable_size(id);
  return size;
}

inline void write_publish_properties(RawWriter& writer, const PublishProperties& p) {
  if (p.has_message_expiry) {
    writer.u8(static_cast<unsigned>(Property::message_expiry));
    writer.u32(p.message_expiry_s);
  }
  if (p.topic_alias) {
    writer.u8(static_cast<unsigned>(Property::topic_alias));
    writer.u16(p.topic_alias);
  }
  for (const std::uint32_t id : p.subscription_identifiers) {
    writer.u8(static_cast<unsigned>(Property::subscription_identifier));
    writer.variable(id);
  }
  writer.bytes(p.forward);
}

}  // namespace tandemq::mqtt
