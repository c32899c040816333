// What the shell keeps per client connection. An idle one holds no buffer.
#pragma once

#include <event2/event_struct.h>

#include <cstdint>
#include <memory>
#include <string>

#include "broker/core/retained_feed.h"
#include "broker/mqtt/decode.h"

namespace tandemq::broker {

class Clients;

// To be sent.
struct Unsent {
  std::string bytes;
  std::size_t sent = 0;
  std::size_t left() const { return bytes.size() - sent; }
};

enum class Ending : std::uint8_t { linger, at_once };

enum class Stage : std::uint8_t {
  free,        // slot not in use
  connecting,  // waits for CONNECT
  serving,
  closing,   // nothing more is read; what is unsent (and a held DISCONNECT) goes out first
  lingering  // write side shut, input thrown away until the client closes or kLingerS is over
};

struct Connection {
  struct event event {};
  Clients* owner = nullptr;
  core::ConnId id = 0;
  std::unique_ptr<std::string>
      unread;  // the first part of a packet, or what a turn had no time for
  std::unique_ptr<Unsent> unsent;
  std::unique_ptr<core::RetainedFeed> feed;  // a SUBSCRIBE being served: nothing else is read
  std::unique_ptr<char[]> client_id;         // zero-terminated, for log lines
  mqtt::Decoder decoder = mqtt::Decoder();
  core::SessionId session = core::kNoSession;
  std::uint32_t client_packet_max = 0;  // bytes, 0: no limit
  std::uint32_t heard_s = 0;            // last whole packet, Turn::seconds
  std::uint32_t check_s = 0;            // when Deadlines looks at it next, 0: never
  std::uint32_t unacknowledged = 0;     // QoS 1 PUBLISHes whose PUBACK is not in `unsent` yet
  std::uint16_t keep_alive_s = 0;
  Stage stage = Stage::free;
  std::uint8_t armed = 0;  // EV_READ, EV_WRITE registered with the loop
  bool greeted = false;    // CONNACK is in `unsent` or sent
  bool ending = false;     // closing, and the last packet is in `unsent`
  bool dirty = false;      // in Clients' list of connections to flush
  bool backlog = false;    // in Clients' list of connections with whole packets unread
  bool paused = false;     // in Clients' list of connections not read from
  bool choked = false;     // too much is unsent: not read from
  bool blocked = false;    // the socket is full: wait for EV_WRITE

  int fd() const { return event.ev_fd; }
  const char* name() const { return client_id ? client_id.get() : "<unknown>"; }
};

}  // namespace tandemq::broker
