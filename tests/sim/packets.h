// What clients and nodes say to each other, at the level of commands: packets that own their text.
#pragma once

#include <cstdint>
#include <string>

#include "broker/mqtt/packet.h"

namespace tandemq::sim {

// Client → node.
struct Request {
  mqtt::PacketType type = mqtt::PacketType::connect;
  std::string text;  // connect: client id; publish: topic; subscribe: filter
  std::string payload;
  std::uint16_t packet_id = 0;
  std::uint8_t qos = 0;
  bool dup = false;
  bool retain = false;
  bool has_will = false;  // connect
};

// Node → client. `closed`: the connection is gone.
struct Reply {
  mqtt::PacketType type = mqtt::PacketType::connack;
  bool closed = false;
  std::string topic;
  std::string payload;
  std::uint16_t packet_id = 0;
  std::uint8_t qos = 0;
  bool dup = false;
  bool retain = false;
  bool session_present = false;
  bool error = false;
  std::string reason;  // of an error, as a number
};

}  // namespace tandemq::sim
