#include "broker/mqtt/decode_parts.h"
#include "broker/mqtt/reason_codes.h"

namespace tandemq::mqtt {

void decode_disconnect(Reader& in, Version version, Side side, Disconnect& packet) {
  reset(packet.properties);
  packet.reason = Reason::success;
  if (version != Version::v5 || in.left() == 0) return;
  packet.reason = static_cast<Reason>(in.u8());
  if (!reason_allowed(PacketType::disconnect, side, packet.reason)) {
    return in.protocol_error("reason code does not belong to DISCONNECT");
  }
  if (in.left() != 0) decode_properties(in, PacketType::disconnect, packet.properties);
  if (side == Side::client && packet.properties.has(Property::session_expiry)) {
    in.protocol_error("session expiry in a server's DISCONNECT");  // [MQTT-3.14.2-2]
  }
  if (side == Side::server && packet.properties.has(Property::server_reference)) {
    in.protocol_error("server reference in a client's DISCONNECT");
  }
}

void decode_auth(Reader& in, Side side, Auth& packet) {
  reset(packet.properties);
  packet.reason = Reason::success;
  const bool bare = in.left() == 0;
  if (!bare) packet.reason = static_cast<Reason>(in.u8());
  if (!reason_allowed(PacketType::auth, side, packet.reason)) {
    return in.protocol_error("reason code does not belong to AUTH");
  }
  if (bare) return;
  decode_properties(in, PacketType::auth, packet.properties);
  if (!packet.properties.has(Property::authentication_method)) {
    in.protocol_error("AUTH without authentication method");
  }
}

}  // namespace tandemq::mqtt
