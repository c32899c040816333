#include "tests/unit/clients/rig.h"

#include <algorithm>

#include "broker/mqtt/encode.h"

namespace tandemq::broker::test {
namespace {

constexpr std::uint64_t kNsPerTurn = 1'000'000;
constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

void note_words(const mqtt::Properties& properties, Got& got) {
  got.method = properties.authentication_method;
  got.data = properties.authentication_data;
}

Got copy_of(const mqtt::Packet& packet) {
  Got got;
  got.type = packet.type;
  switch (packet.type) {
    case PacketType::connack:
      got.reason = packet.connack.reason;
      got.session_present = packet.connack.session_present;
      got.text = packet.connack.properties.reason_string;
      note_words(packet.connack.properties, got);
      break;
    case PacketType::auth:
      got.reason = packet.auth.reason;
      note_words(packet.auth.properties, got);
      break;
    case PacketType::publish:
      got.packet_id = packet.publish.packet_id;
      got.qos = packet.publish.qos;
      got.topic = packet.publish.topic;
      got.payload = packet.publish.payload;
      break;
    case PacketType::suback:
    case PacketType::unsuback:
      got.packet_id = packet.subscribe_ack.packet_id;
      got.reason = packet.subscribe_ack.codes.at(0);
      break;
    case PacketType::disconnect:
      got.reason = packet.disconnect.reason;
      got.text = packet.disconnect.properties.reason_string;
      break;
    default:
      got.packet_id = packet.ack.packet_id;
      got.reason = packet.ack.reason;
  }
  return got;
}

class TestExchange final : public Exchange {
 public:
  Step take(std::string_view data) override {
    const bool begins = user_.empty();
    if (begins && data == "hello") {
      user_ = "alice";
      return {std::nullopt, "who?"};
    }
    if (begins || data != "alice") return {Verdict(Reason::bad_username_or_password, "wrong"), {}};
    Pass pass;
    pass.username = user_;
    pass.by_password = true;
    return {Verdict(std::make_shared<const Pass>(pass)), "welcome"};
  }
  const std::string& user() const override { return user_; }

 private:
  std::string user_;
};

}  // namespace

Peer::Peer(Version version) : version_(version), decoder_(mqtt::Side::client) {
  decoder_.set_version(version);
}

void Peer::connect(const std::string& name, const ConnectAs& as) {
  mqtt::Connect packet;
  packet.version = version_;
  packet.client_id = name;
  packet.clean_start = as.clean;
  packet.keep_alive_s = as.keep_alive_s;
  packet.properties.session_expiry_s = as.expiry_s;
  packet.properties.mark(mqtt::Property::session_expiry);
  if (as.packet_max) {
    packet.properties.maximum_packet_size = as.packet_max;
    packet.properties.mark(mqtt::Property::maximum_packet_size);
  }
  packet.has_will = !as.will_topic.empty();
  packet.will.topic = as.will_topic;
  packet.will.payload = "gone";
  if (!as.method.empty()) {
    packet.properties.authentication_method = as.method;
    packet.properties.mark(mqtt::Property::authentication_method);
    packet.properties.authentication_data = as.data;
    packet.properties.mark(mqtt::Property::authentication_data);
  }
  mqtt::encode(wire->to_broker, packet);
}

void Peer::publish(const std::string& topic, std::string_view payload, std::uint8_t qos,
                   std::uint16_t id, bool retain) {
  mqtt::Publish packet;
  packet.topic = topic;
  packet.payload = payload;
  packet.qos = qos;
  packet.packet_id = id;
  packet.retain = retain;
  mqtt::encode(wire->to_broker, version_, packet);
}

void Peer::subscribe(const std::string& filter, std::uint8_t qos) {
  mqtt::Subscribe packet;
  packet.packet_id = 1;
  packet.filters.push_back({.filter = filter, .qos = qos});
  mqtt::encode(wire->to_broker, version_, packet);
}

void Peer::auth(Reason reason, const std::string& data, const std::string& method) {
  mqtt::Auth packet;
  packet.reason = reason;
  packet.properties.authentication_method = method;
  packet.properties.mark(mqtt::Property::authentication_method);
  packet.properties.authentication_data = data;
  packet.properties.mark(mqtt::Property::authentication_data);
  mqtt::encode(wire->to_broker, packet);
}

std::vector<Got> Peer::take() {
  partial_ += wire->from_broker;
  wire->from_broker.clear();
  std::vector<Got> all;
  mqtt::Packet packet;
  std::size_t at = 0, used = 0;
  const std::string_view in = partial_;
  mqtt::Decoded decoded{};
  while (at < in.size() &&
         (decoded = decoder_.decode(in.substr(at), packet, used)) == mqtt::Decoded::packet) {
    all.push_back(copy_of(packet));
    at += used;
  }
  CHECK(decoded != mqtt::Decoded::error);
  partial_.erase(0, at);
  return all;
}

std::size_t Peer::count(PacketType type) {
  const std::vector<Got> all = take();
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [&](const Got& got) { return got.type == type; }));
}

Authenticator::Ticket Gate::begin(Credentials who, Answer answer) {
  if (!later) {
    answer(pass ? Verdict(pass) : Verdict(says));
    return 0;
  }
  open.push_back({++last_, std::move(who), std::move(answer)});
  return last_;
}

void Gate::cancel(Ticket ticket) {
  cancelled += std::erase_if(open, [&](const Asked& one) { return one.ticket == ticket; });
}

std::unique_ptr<Exchange> Gate::exchange(Credentials who, std::string_view method) {
  if (method != "TEST") return nullptr;
  exchanges.push_back(std::move(who));
  return std::make_unique<TestExchange>();
}

void Gate::answer(Reason reason) {
  REQUIRE_FALSE(open.empty());
  const Asked asked = std::move(open.front());
  open.pop_front();
  asked.answer(reason);
}

Rig* Rig::present = nullptr;

std::uint64_t Rig::look() {
  present->now_ns_ += present->ns_per_look;
  return present->now_ns_;
}

Rig::Rig(std::uint32_t connections_max, bool behind_proxy)
    : turn_time((present = this, look)),
      clients({limits, connections, clock, turn_time, gate,
               [this] {
                 ++turns_cut;
                 net.stopped = true;
               }},
              {{.name = "listener",
                .connections_max = connections_max,
                .behind_proxy = behind_proxy}}) {
  clock.follow(1'700'000'000'000, now_ns_);
  begin_reign();
}

void Rig::begin_reign() {
  engine = std::make_unique<core::Engine>(state, *this, limits, permissions, counted);
  clients.begin_reign(engine.get(), last);
}

void Rig::end_reign(Reason reason) {
  clients.end_reign(reason);
  engine.reset();
  state.demote();
}

Peer& Rig::dial(Version version, const std::string& address) {
  Peer& peer = peers_.emplace_back(version);
  peer.wire->address = address;
  clients.accept(0, net.connect(peer.wire));
  return peer;
}

Peer& Rig::connected(const std::string& name, const ConnectAs& as) {
  Peer& peer = dial(as.version);
  peer.connect(name, as);
  turn();
  const std::vector<Got> got = peer.take();
  REQUIRE(got.size() >= 1);
  REQUIRE(got[0].type == PacketType::connack);
  REQUIRE(got[0].reason == Reason::success);
  return peer;
}

void Rig::turn() {
  now_ns_ += kNsPerTurn;
  net.stopped = false;
  turn_time.begin(clock);
  net.deliver();
  clients.work_backlog();
  if (commits) commit();
  clients.end_turn();
  turn_time.end();
}

void Rig::commit() {
  committed_ = last;
  clients.committed(last, 0);
}

void Rig::settle() {
  for (int i = 0; i < 10'000; ++i) {
    turn();
    // Ending a turn may make records, as the will of whoever is sent away.
    const bool held = commits && committed_ < last;
    if (!held && !net.anything_ready() && !clients.has_backlog()) return;
  }
  FAIL("it never comes to rest");
}

void Rig::pass_seconds(int seconds) {
  for (int i = 0; i < seconds; ++i) {
    for (int part = 0; part < 4; ++part) {  // a longer gap would be a standstill
      now_ns_ += kNsPerSecond / 4;
      turn();
    }
    clients.sweep();
    turn();
  }
}

}  // namespace tandemq::broker::test
