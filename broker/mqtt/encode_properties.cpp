#include <bit>

#include "broker/mqtt/writer.h"

namespace tandemq::mqtt {
namespace {

void put_property(std::string& out, Property property, const Properties& p) {
  switch (property) {
    case Property::session_expiry:
      return put_u32(out, p.session_expiry_s);
    case Property::receive_maximum:
      return put_u16(out, p.receive_maximum);
    case Property::maximum_packet_size:
      return put_u32(out, p.maximum_packet_size);
    case Property::topic_alias_maximum:
      return put_u16(out, p.topic_alias_maximum);
    case Property::server_keep_alive:
      return put_u16(out, p.server_keep_alive_s);
    case Property::maximum_qos:
      return put_u8(out, p.maximum_qos);
    case Property::retain_available:
      return put_u8(out, p.retain_available);
    case Property::wildcard_available:
      return put_u8(out, p.wildcard_available);
    case Property::subscription_identifier_available:
      return put_u8(out, p.subscription_identifier_available);
    case Property::shared_available:
      return put_u8(out, p.shared_available);
    case Property::request_response_information:
      return put_u8(out, p.request_response_information);
    case Property::request_problem_information:
      return put_u8(out, p.request_problem_information);
    case Property::subscription_identifier:
      return put_variable(out, p.subscription_identifier);
    case Property::assigned_client_id:
      return put_string(out, p.assigned_client_id);
    case Property::reason_string:
      return put_string(out, p.reason_string);
    case Property::response_information:
      return put_string(out, p.response_information);
    case Property::server_reference:
      return put_string(out, p.server_reference);
    case Property::authentication_method:
      return put_string(out, p.authentication_method);
    case Property::authentication_data:
      return put_string(out, p.authentication_data);
    case Property::user_property:  // may stand there several times: put_properties
#define TMQ_X(identifier, name, carriers) case Property::name:
      TMQ_MESSAGE_PROPERTIES(TMQ_X)  // in no packet that comes here
#undef TMQ_X
      return;
  }
}

constexpr std::uint64_t bit_of(Property property) {
  return std::uint64_t{1} << static_cast<unsigned>(property);
}

}  // namespace

void put_properties(std::string& out, const Properties& properties, Keep keep) {
  std::uint64_t wanted = properties.present & ~bit_of(Property::user_property);
  if (keep == Keep::nothing_optional) wanted &= ~bit_of(Property::reason_string);
  const bool with_user = keep == Keep::all && !properties.user.empty();
  if (wanted == 0 && !with_user) return put_u8(out, 0);

  std::string body;
  for (; wanted != 0; wanted &= wanted - 1) {
    const auto id = static_cast<unsigned>(std::countr_zero(wanted));
    put_u8(body, id);
    put_property(body, static_cast<Property>(id), properties);
  }
  if (with_user) {
    for (const UserProperty& user : properties.user) {
      put_u8(body, static_cast<unsigned>(Property::user_property));
      put_string(body, user.name);
      put_string(body, user.value);
    }
  }
  put_variable(out, body.size());
  out.append(body);
}

void put_packet(std::string& out, PacketType type, unsigned flags, std::string_view body) {
  RawWriter writer = extend(out, 1 + variable_size(body.size()) + body.size());
  writer.u8(static_cast<unsigned>(type) << 4 | flags);
  writer.variable(body.size());
  writer.bytes(body);
}

}  // namespace tandemq::mqtt
