#include "broker/mqtt/reason_codes.h"

#include <iterator>

namespace tandemq::mqtt {
namespace {

constexpr unsigned bit(PacketType type) {
  return 1u << static_cast<unsigned>(type);
}

constexpr unsigned connack = bit(PacketType::connack);
constexpr unsigned puback = bit(PacketType::puback);
constexpr unsigned pubrec = bit(PacketType::pubrec);
constexpr unsigned pubrel = bit(PacketType::pubrel);
constexpr unsigned pubcomp = bit(PacketType::pubcomp);
constexpr unsigned suback = bit(PacketType::suback);
constexpr unsigned unsuback = bit(PacketType::unsuback);
constexpr unsigned auth_to_client = bit(PacketType::auth);
constexpr unsigned auth_to_server = auth_to_client << 16;
constexpr unsigned disconnect_to_client = bit(PacketType::disconnect);
constexpr unsigned disconnect_to_server = disconnect_to_client << 16;
constexpr unsigned disconnect = disconnect_to_client | disconnect_to_server;
constexpr unsigned auth = auth_to_client | auth_to_server;
constexpr unsigned publish_answers = puback | pubrec;

// Rows of table 2-6 in its order.
constexpr unsigned packets_with(Reason reason) {
  switch (reason) {
    case Reason::success:
      return connack | publish_answers | pubrel | pubcomp | suback | unsuback | auth_to_client |
             disconnect;
    case Reason::granted_qos1:
    case Reason::granted_qos2:
      return suback;
    case Reason::disconnect_with_will:
      return disconnect_to_server;
    case Reason::no_matching_subscribers:
      return publish_answers;
    case Reason::no_subscription_existed:
      return unsuback;
    case Reason::continue_authentication:
      return auth;
    case Reason::reauthenticate:
      return auth_to_server;
    case Reason::unspecified_error:
    case Reason::implementation_specific:
      return connack | publish_answers | suback | unsuback | disconnect;
    case Reason::malformed_packet:
    case Reason::protocol_error:
      return connack | disconnect;
    case Reason::unsupported_version:
    case Reason::client_id_not_valid:
    case Reason::bad_username_or_password:
    case Reason::server_unavailable:
    case Reason::banned:
      return connack;
    case Reason::not_authorized:
      return connack | publish_answers | suback | unsuback | disconnect_to_client;
    case Reason::server_busy:
    case Reason::bad_authentication_method:
    case Reason::retain_not_supported:
    case Reason::qos_not_supported:
    case Reason::use_another_server:
    case Reason::server_moved:
    case Reason::connection_rate_exceeded:
      return connack | disconnect_to_client;
    case Reason::server_shutting_down:
    case Reason::keep_alive_timeout:
    case Reason::session_taken_over:
    case Reason::maximum_connect_time:
      return disconnect_to_client;
    case Reason::topic_filter_invalid:
      return suback | unsuback | disconnect_to_client;
    case Reason::topic_name_invalid:
      return connack | publish_answers | disconnect;
    case Reason::packet_id_in_use:
      return publish_answers | suback | unsuback;
    case Reason::packet_id_not_found:
      return pubrel | pubcomp;
    case Reason::receive_maximum_exceeded:
    case Reason::topic_alias_invalid:
    case Reason::message_rate_too_high:
    case Reason::administrative_action:
      return disconnect;
    case Reason::packet_too_large:
      return connack | disconnect;
    case Reason::quota_exceeded:
      return connack | publish_answers | suback | disconnect;
    case Reason::payload_format_invalid:
      return connack | publish_answers | disconnect;
    case Reason::shared_not_supported:
    case Reason::subscription_identifiers_not_supported:
    case Reason::wildcards_not_supported:
      return suback | disconnect_to_client;
  }
  return 0;
}

}  // namespace

bool reason_allowed(PacketType type, Side reader, Reason reason) {
  const bool directed = type == PacketType::disconnect || type == PacketType::auth;
  const unsigned shift = directed && reader == Side::server ? 16 : 0;
  return (packets_with(reason) & bit(type) << shift) != 0;
}

int connect_return_code(Reason reason) {
  switch (reason) {
    case Reason::success:
      return 0;
    case Reason::unsupported_version:
      return 1;
    case Reason::client_id_not_valid:
      return 2;
    case Reason::server_unavailable:
    case Reason::server_busy:
    case Reason::server_shutting_down:
    case Reason::quota_exceeded:
    case Reason::use_another_server:
    case Reason::server_moved:
    case Reason::connection_rate_exceeded:
      return 3;
    case Reason::bad_username_or_password:
      return 4;
    case Reason::not_authorized:
    case Reason::banned:
    case Reason::bad_authentication_method:
      return 5;
    default:
      return -1;
  }
}

Reason reason_of_return_code(std::uint8_t code) {
  constexpr Reason reasons[] = {Reason::success,
                                Reason::unsupported_version,
                                Reason::client_id_not_valid,
                                Reason::server_unavailable,
                                Reason::bad_username_or_password,
                                Reason::not_authorized};
  return code < std::size(reasons) ? reasons[code] : Reason::malformed_packet;
}

}  // namespace tandemq::mqtt
