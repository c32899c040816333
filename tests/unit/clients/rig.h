// A primary's clients without a socket: the real data path and engine, transports in memory, a
// clock that stands until the test moves it, and commits in the test's hands.
#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/clients/clients.h"
#include "tests/support/memory_transport.h"

namespace tandemq::broker::test {

using mqtt::PacketType;
using mqtt::Reason;
using mqtt::Version;

// A packet from the broker.
struct Got {
  PacketType type{};
  Reason reason = Reason::success;  // CONNACK, DISCONNECT, acknowledgements
  std::uint16_t packet_id = 0;
  std::uint8_t qos = 0;
  std::string topic, payload, text;
  std::string method, data;  // of CONNACK and AUTH
  bool session_present = false;
};

struct ConnectAs {
  Version version = Version::v5;
  bool clean = true;
  std::uint32_t expiry_s = 0;
  std::uint16_t keep_alive_s = 0;
  std::uint32_t packet_max = 0;
  std::string will_topic = {};
  std::string method = {}, data = {};  // of AUTH packets; no method: none
};

class Rig;

// The other end of a connection.
class Peer {
 public:
  explicit Peer(Version version);

  // Written to the connection; the broker sees it when the rig turns.
  void connect(const std::string& name, const ConnectAs& as = {});
  void publish(const std::string& topic, std::string_view payload, std::uint8_t qos = 0,
               std::uint16_t id = 0, bool retain = false);
  void subscribe(const std::string& filter, std::uint8_t qos = 0);
  void auth(Reason reason, const std::string& data, const std::string& method = "TEST");
  void ping() { wire->to_broker += std::string("\xc0\0", 2); }
  void disconnect() { wire->to_broker += std::string("\xe0\0", 2); }
  void raw(std::string_view bytes) { wire->to_broker += bytes; }
  void close() { wire->peer_closed = true; }
  void reset() { wire->broken = true; }

  // Everything that has come; it counts as read, and makes room.
  std::vector<Got> take();
  // As take(): how many packets of this type came.
  std::size_t count(PacketType type);
  // The broker has ended the connection.
  bool ended() const { return wire->shut || wire->closed; }

  std::shared_ptr<tandemq::test::MemoryWire> wire = std::make_shared<tandemq::test::MemoryWire>();

 private:
  Version version_;
  mqtt::Decoder decoder_;
  std::string partial_;
};

// Access in the test's hands: answers at once, or when the test says so.
class Gate final : public Authenticator {
 public:
  Ticket begin(Credentials who, Answer answer) override;
  void cancel(Ticket ticket) override;
  // Offers TEST: "hello" is asked "who?", and the right answer is "alice".
  std::unique_ptr<Exchange> exchange(Credentials who, std::string_view method) override;
  bool still_welcome(Door, std::string_view user, const Pass*) const override {
    return user != removed;
  }
  bool sent_away(Door, std::string_view user) const override { return user == changed; }
  // To the oldest question that is open.
  void answer(Reason reason);

  struct Asked {
    Ticket ticket;
    Credentials who;
    Answer answer;
  };
  std::string removed;  // a user
  std::string changed = "nobody";
  Reason says = Reason::success;
  PassRef pass;  // of whom it lets in
  bool later = false;
  std::deque<Asked> open;
  std::vector<Credentials> exchanges;  // that were begun
  std::size_t cancelled = 0;

 private:
  Ticket last_ = 0;
};

class Rig final : public core::RecordSink {
  std::uint64_t now_ns_ = 1'000'000'000;

 public:
  explicit Rig(std::uint32_t connections_max = 100, bool behind_proxy = false);

  // A connection that has said nothing yet.
  Peer& dial(Version version = Version::v5, const std::string& address = "memory:1");
  // One that was accepted: CONNACK is taken.
  Peer& connected(const std::string& name, const ConnectAs& as = {});

  // One turn of the loop. Everything appended is committed at its end, unless `commits` is false.
  void turn();
  // Until nothing moves any more.
  void settle();
  // So many seconds in which nothing else happens, with a sweep each.
  void pass_seconds(int seconds);
  void commit();

  void begin_reign();
  void end_reign(Reason reason = Reason::server_shutting_down);

  Lsn append(core::Kind, const ByteSource&) override { return ++last; }

  bool commits = true;
  Lsn last = 0;
  std::uint64_t ns_per_look = 0;  // that the clock goes on whenever it is read
  std::size_t turns_cut = 0;
  Gate gate;
  const core::Permissions* permissions = nullptr;  // of the next reign
  core::Limits limits;
  net::ConnectionLimits connections;

  tandemq::test::MemoryNet net;
  PairClock clock;
  Turn turn_time;
  core::State state{1};
  Clients clients;
  core::EngineCounters counted;
  std::unique_ptr<core::Engine> engine;

 private:
  static std::uint64_t look();
  static Rig* present;
  std::deque<Peer> peers_;
  Lsn committed_ = 0;
};

}  // namespace tandemq::broker::test
