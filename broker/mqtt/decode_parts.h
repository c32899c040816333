// The decoders of single packets and of properties, called by Decoder. Each reads from the byte
// after the fixed header and reports what is wrong through the reader. Private to broker/mqtt.
#pragma once

#include <cstdint>
#include <string>

#include "broker/mqtt/decode.h"
#include "broker/mqtt/packet.h"
#include "broker/mqtt/reader.h"

namespace tandemq::mqtt {

// Sets `version` as soon as it is read, for the answer to a CONNECT that fails later.
// `scratch` receives forwarded properties that are not contiguous.
void decode_connect(Reader& in, Connect& packet, Version& version, std::string& scratch);
void decode_connack(Reader& in, Version version, Connack& packet);
// `flags`: low four bits of the fixed header.
void decode_publish(Reader& in, Version version, Side side, unsigned flags, Publish& packet,
                    std::string& scratch);
void decode_ack(Reader& in, Version version, PacketType type, Ack& packet);
void decode_subscribe(Reader& in, Version version, Subscribe& packet);
void decode_unsubscribe(Reader& in, Version version, Unsubscribe& packet);
void decode_subscribe_ack(Reader& in, Version version, PacketType type, SubscribeAck& packet);
void decode_disconnect(Reader& in, Version version, Side side, Disconnect& packet);
void decode_auth(Reader& in, Side side, Auth& packet);

// Length and properties of any packet but PUBLISH.
void decode_properties(Reader& in, PacketType type, Properties& properties);
// Length and properties of a PUBLISH, or of a will when `will_delay_s` is given.
void decode_publish_properties(Reader& in, Side side, PublishProperties& properties,
                               std::uint32_t* will_delay_s, std::string& scratch);

// Back to defaults; vectors keep their capacity.
void reset(Properties& properties);
void reset(PublishProperties& properties);

}  // namespace tandemq::mqtt
