// What clients and nodes say to each other, at the level of commands: packets that own their text.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "broker/core/effects.h"
#include "broker/mqtt/packet.h"

namespace tandemq::sim {

constexpr const char* kWillTopic = "gone";  // of every will; the payload is the client's name

// How a client connects.
struct ClientKind {
  mqtt::Version version = mqtt::Version::v5;
  bool clean = false;  // no session outlives the connection
  bool has_will = false;
  std::uint16_t keep_alive_s = 30;
};

// Client → node.
struct Request {
  mqtt::PacketType type = mqtt::PacketType::connect;
  std::string text;  // connect: client id; publish: topic; subscribe: filter
  std::string payload;
  std::uint16_t packet_id = 0;
  std::uint8_t qos = 0;
  bool dup = false;
  bool retain = false;
  ClientKind kind;                     // connect
  std::uint32_t message_expiry_s = 0;  // publish; 0: never
};

using Inbox = std::deque<std::pair<core::ConnId, Request>>;

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
