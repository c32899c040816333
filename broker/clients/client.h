// What is kept per MQTT connection, beside its bytes (net::Channel). Who may end it, and how, is in
// stages.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "broker/access/authenticator.h"
#include "broker/base/token_bucket.h"
#include "broker/clients/auth_word.h"
#include "broker/clients/quotas.h"
#include "broker/core/retained_feed.h"
#include "broker/mqtt/decode.h"
#include "broker/net/channel.h"

namespace tandemq::broker {

// A listener as clients see it.
struct Entrance {
  std::string name;  // in the configuration
  std::uint32_t connections_max = 20'000;
  std::uint32_t connections = 0;  // now
  Door door = 0;                  // its place among all
  // Nobody checks here what a client calls itself, but elsewhere somebody does: whoever comes in
  // here is anonymous, or each user's session and rights could be had by naming it.
  bool names_unproven = false;
  bool username_as_client_id = false;
  bool behind_proxy = false;  // where a client is, its first bytes say
};

enum class Stage : std::uint8_t {
  connecting,  // waits for CONNECT
  asking,      // for its CONNECT: access answers later, nothing more is read
  exchanging,  // its CONNECT has come, and AUTH packets are to prove who it is
  serving,
  closing,  // nothing more is heard; its last packet (a held DISCONNECT) is still to come
  leaving   // its last packet is with the channel, which ends when the client closes
};

// Of a client whose CONNECT named an authentication method.
struct Enhanced {
  AuthWord word;                       // the method, and what we said last
  std::unique_ptr<Exchange> exchange;  // under way; null: none is
  std::string connect;                 // as it came: kept while in stage exchanging
};

class Stages;

struct Client {
  Client(core::ConnId conn, std::unique_ptr<net::Transport> transport, net::ChannelUser& user,
         net::ChannelPool& pool, Entrance& through, std::uint32_t maximum_packet_size)
      : id(conn),
        entrance(through),
        channel(conn, std::move(transport), user, pool),
        decoder(mqtt::Side::server, maximum_packet_size) {}

  Stage stage() const { return stage_; }
  bool hears() const { return stage_ <= Stage::serving; }
  core::SeatId seat() const { return seat_; }
  core::Origin origin() const { return {id, seat_, unacknowledged}; }
  const char* name() const { return client_id ? client_id.get() : "<unknown>"; }
  // Not read from for a reason of ours: its silence says nothing.
  bool held_back() const {
    return paused || backlog || choked || held || feed || stage_ == Stage::asking;
  }

  const core::ConnId id;
  Entrance& entrance;
  net::Channel channel;
  mqtt::Decoder decoder;
  std::unique_ptr<core::RetainedFeed> feed;  // a SUBSCRIBE being served: nothing else is handled
  std::unique_ptr<core::RetainedFeed> fed;   // served; the client has said nothing since
  Question question;                         // open in stage asking
  std::unique_ptr<Enhanced> enhanced;        // null: it named none
  std::optional<Verdict> admission;          // its answer, until the CONNECT is handled
  PassRef pass;                              // what it came in by; null: nothing that says more
  TimeMs ends_ms = 0;                        // pair time; 0: it may stay
  Quotas::Place place;                       // as one that waits, then as one that is served
  std::unique_ptr<char[]> client_id;         // zero-terminated, for log lines
  TokenBucket messages, bytes;               // of its PUBLISHes, where their rate is limited
  std::uint32_t rate_told_s = 0;             // when that was logged last, 0: never
  std::uint32_t packet_max = 0;              // bytes that the client takes at once, 0: no limit
  std::uint32_t heard_s = 0;                 // opened, or heard last; Turn::seconds
  std::uint32_t rest_heard = 0;              // bytes of a packet that had come by then, about
  std::uint32_t check_s = 0;                 // when Deadlines looks at it next, 0: never
  std::uint32_t unacknowledged = 0;  // QoS 1 PUBLISHes whose PUBACK is not in the channel yet
  std::uint16_t keep_alive_s = 0;
  bool introduced = false;  // where it is is known, and counted
  bool greeted = false;     // CONNACK is in the channel or sent
  bool backlog = false;     // in TurnShare's list: there is work without waiting for bytes
  bool paused = false;      // in ReadingPause's list: nobody is read from
  bool choked = false;      // too much is unsent: not read from
  bool held = false;        // in PublishGate's list: its next PUBLISH has to wait
  bool may_pass = false;    // one PUBLISH, though memory is tight

 private:
  friend class Stages;
  core::SeatId seat_ = core::kNoSeat;
  Stage stage_ = Stage::connecting;
};

}  // namespace tandemq::broker
