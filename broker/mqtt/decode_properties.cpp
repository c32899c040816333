#include <utility>

#include "broker/mqtt/decode_parts.h"

namespace tandemq::mqtt {
namespace {

template <class T>
T not_zero(Reader& in, T value, const char* text) {
  if (in.ok() && value == 0) in.protocol_error(text);
  return value;
}

// A byte that may be 0 or 1.
bool flag(Reader& in) {
  const unsigned value = in.u8();
  if (value > 1) in.protocol_error("property is not 0 or 1");
  return value == 1;
}

void read_property(Reader& in, Property property, Properties& out) {
  switch (property) {
    case Property::session_expiry:
      out.session_expiry_s = in.u32();
      return;
    case Property::receive_maximum:
      out.receive_maximum = not_zero(in, in.u16(), "receive maximum is 0");
      return;
    case Property::maximum_packet_size:
      out.maximum_packet_size = not_zero(in, in.u32(), "maximum packet size is 0");
      return;
    case Property::topic_alias_maximum:
      out.topic_alias_maximum = in.u16();
      return;
    case Property::server_keep_alive:
      out.server_keep_alive_s = in.u16();
      return;
    case Property::maximum_qos:
      out.maximum_qos = flag(in);
      return;
    case Property::retain_available:
      out.retain_available = flag(in);
      return;
    case Property::wildcard_available:
      out.wildcard_available = flag(in);
      return;
    case Property::subscription_identifier_available:
      out.subscription_identifier_available = flag(in);
      return;
    case Property::shared_available:
      out.shared_available = flag(in);
      return;
    case Property::request_response_information:
      out.request_response_information = flag(in);
      return;
    case Property::request_problem_information:
      out.request_problem_information = flag(in);
      return;
    case Property::subscription_identifier:
      out.subscription_identifier = not_zero(in, in.variable(), "subscription identifier is 0");
      return;
    case Property::assigned_client_id:
      out.assigned_client_id = in.string();
      return;
    case Property::reason_string:
      out.reason_string = in.string();
      return;
    case Property::response_information:
      out.response_information = in.string();
      return;
    case Property::server_reference:
      out.server_reference = in.string();
      return;
    case Property::authentication_method:
      out.authentication_method = in.string();
      return;
    case Property::authentication_data:
      out.authentication_data = in.binary();
      return;
    case Property::user_property: {
      const std::string_view name = in.string();
      out.user.push_back({name, in.string()});
      return;
    }
#define TMQ_X(identifier, name, carriers) case Property::name:
      TMQ_MESSAGE_PROPERTIES(TMQ_X)
#undef TMQ_X
      return;  // in no packet that comes here
  }
}

}  // namespace

void decode_properties(Reader& in, PacketType type, Properties& properties) {
  const std::uint32_t size = in.variable();
  if (size == 0) return;
  Reader part(in.bytes(size));
  while (part.left() != 0) {
    const std::uint32_t id = part.variable();
    const auto property = static_cast<Property>(id);
    if (id > kPropertyMax || !(kCarriers[id] & carrier_of(type))) {
      part.malformed("property does not belong to this packet");
      break;
    }
    if (properties.has(property) && property != Property::user_property) {
      part.protocol_error("property is given twice");
      break;
    }
    properties.mark(property);
    read_property(part, property, properties);
  }
  in.adopt(part);
  if (properties.has(Property::authentication_data) &&
      !properties.has(Property::authentication_method)) {
    in.protocol_error("authentication data without authentication method");
  }
}

void reset(Properties& properties) {
  if (properties.present == 0) return;
  std::vector<UserProperty> user = std::move(properties.user);
  user.clear();
  properties = {};
  properties.user = std::move(user);
}

}  // namespace tandemq::mqtt
