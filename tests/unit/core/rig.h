// A primary without sockets: a state, an engine, the records it wrote, and clients that keep what
// they were sent. `mirror` follows by the encoded records alone, as a standby does.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/engine.h"

namespace tandemq::core::test {

using mqtt::Reason;
using mqtt::Version;

struct Logged {
  Lsn lsn;
  Kind kind;
  std::string body;
};

class Log final : public RecordSink {
 public:
  Lsn append(Kind kind, const ByteSource& body) override {
    records.push_back({++last, kind, body.text()});
    return last;
  }
  std::uint8_t writes(Kind kind) const override { return kind == withheld ? 0 : kNewestBody; }
  Lsn last = 0;
  Kind withheld = Kind::reign_began;  // as if the peer could not read it
  std::vector<Logged> records;
};

struct ConnectOptions {
  Version version = Version::v5;
  bool clean = true;
  std::uint32_t expiry_s = 0;
  std::uint16_t keep_alive_s = 60;
  std::uint16_t receive_maximum = 65535;
  std::uint32_t maximum_packet_size = 0;
  const mqtt::Will* will = nullptr;
  std::string username = {};
  std::string listener = {};
  GrantsRef grants = {};
};

struct PublishOptions {
  std::uint8_t qos = 0;
  bool retain = false;
  std::uint16_t packet_id = 0;
  std::int64_t expiry_s = -1;
  std::uint16_t alias = 0;
  bool dup = false;
};

struct Rig;

// What a test can say as a client. Holds its connection; `got` are the effects for it.
struct Client {
  Rig* rig = nullptr;
  std::string id;
  Origin origin;
  std::vector<Effect> got;

  // Effects of one kind, oldest first.
  std::vector<Effect> of(EffectKind kind) const;
  std::vector<Effect> publishes() const { return of(EffectKind::publish); }
  std::string payloads() const;  // of all PUBLISHes got, separated by spaces
  const Effect& last() const;
  void clear() { got.clear(); }

  void subscribe(std::string_view filter, std::uint8_t qos, std::uint32_t identifier = 0);
  void subscribe(const mqtt::SubscribeFilter& filter, std::uint32_t identifier = 0);
  void subscribe(const mqtt::Subscribe& packet);
  void unsubscribe(std::string_view filter);
  void publish(std::string_view topic, std::string_view payload, PublishOptions options = {});
  void puback(std::uint16_t id, Reason reason = Reason::success) {
    answer(mqtt::PacketType::puback, id, reason);
  }
  void pubrec(std::uint16_t id, Reason reason = Reason::success) {
    answer(mqtt::PacketType::pubrec, id, reason);
  }
  void pubrel(std::uint16_t id) { answer(mqtt::PacketType::pubrel, id); }
  void pubcomp(std::uint16_t id) { answer(mqtt::PacketType::pubcomp, id); }
  void answer(mqtt::PacketType type, std::uint16_t id, Reason reason = Reason::success);
  // Behind one another, as one read brings them.
  void answers(mqtt::PacketType type, const std::vector<std::uint16_t>& ids);
  // DISCONNECT; expiry_s below 0: not named.
  bool disconnect(Reason reason = Reason::success, std::int64_t expiry_s = -1);
  void drop();  // the connection is lost
};

struct Rig {
  explicit Rig(Limits limits_ = {}, const Permissions* permissions = nullptr);

  Client& connect(const std::string& id, ConnectOptions options = {});
  // The effects of the last call go to their clients; then checks that the mirror equals.
  void settle();
  void expire();
  // The primary dies: a new one begins from the mirror's records. Clients are without connection.
  void fail_over();
  const Effect* first(ConnId conn, EffectKind kind) const;
  std::size_t records(Kind kind) const;

  Limits limits;
  const Permissions* permissions;
  Log log;
  std::unique_ptr<State> state = std::make_unique<State>();
  std::unique_ptr<State> mirror = std::make_unique<State>(99);
  EngineCounters counters;
  std::unique_ptr<Engine> engine;
  TimeMs now = 1'000'000;
  Effects out;  // of the last call
  std::map<ConnId, std::unique_ptr<Client>> clients;
  ConnId next_conn = 1;
  Epoch epoch = 0;
  std::size_t mirrored = 0;
  bool check_mirror = true;
  bool runs = true;                // answers() goes to the engine as a whole
  std::size_t feed_budget = 1000;  // topics looked at in one call of Engine::feed
};

}  // namespace tandemq::core::test
