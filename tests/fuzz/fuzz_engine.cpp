// Three clients say what they like to an engine whose records may name little at once: no check may
// end the process, no record may be longer than its bound, and a standby must be able to apply
// each.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "broker/base/check.h"
#include "broker/core/engine.h"
#include "broker/mqtt/decode.h"

namespace {

using namespace tandemq;
using namespace tandemq::core;

constexpr std::uint32_t kPacketMax = 1024;
constexpr std::size_t kListMax = 128;
// A packet, what is named beside it, one name more than that, and the fields of a record.
constexpr std::size_t kRecordMax = 2 * kPacketMax + kListMax + 256;

Limits small_limits() {
  Limits limits;
  limits.receive_maximum = 4;
  limits.inflight_maximum = 2;
  limits.maximum_packet_size = kPacketMax;
  limits.queued_messages_max = 50;
  limits.subscriptions_per_session_max = 20;
  limits.record_list_bytes_max = kListMax;
  return limits;
}

class Standby final : public RecordSink {
 public:
  Lsn append(Kind kind, const ByteSource& body) override {
    const std::string text = body.text();
    TMQ_CHECK(text.size() <= kRecordMax);
    TMQ_CHECK(state.apply_encoded(++last, kind, text));
    return last;
  }
  State state{1};
  Lsn last = 0;
};

struct Client {
  Origin origin;
  mqtt::Decoder decoder{mqtt::Side::server, kPacketMax};
  std::unique_ptr<RetainedFeed> fed;
  bool connected = false;
};

class Broker {
 public:
  void renew(Client& client) {
    if (client.connected) engine_.disconnected(client.origin, now_, out_);
    out_.clear();
    client = Client();
    client.origin.conn = ++connections_;
  }
  // True while the connection lives.
  bool hears(Client& client, std::string_view bytes) {
    while (true) {
      if (const mqtt::AckRun run = mqtt::ack_run(bytes, 8); client.connected && run.size() > 1) {
        end_feed(client);
        engine_.answers(client.origin, run, now_, out_);
        if (!is_alive(client)) return false;
        bytes.remove_prefix(run.packets.size());
        continue;
      }
      mqtt::Packet packet;
      std::size_t used = 0;
      const mqtt::Decoded decoded = client.decoder.decode(bytes, packet, used);
      if (decoded == mqtt::Decoded::need_more) return true;
      if (decoded == mqtt::Decoded::error || !handle(client, packet)) return false;
      bytes.remove_prefix(used);
    }
  }
  void pass_time(TimeMs by) {
    now_ += by;
    engine_.expire(now_, 10, out_);
    out_.clear();
  }
  void compare() { TMQ_CHECK(state_.hash() == standby_.state.hash()); }

 private:
  bool handle(Client& client, const mqtt::Packet& packet) {
    const bool first = !client.connected;
    if (first != (packet.type == mqtt::PacketType::connect)) return false;
    const bool lives = first ? connect(client, packet.connect) : command(client, packet);
    return is_alive(client) && lives;
  }
  bool is_alive(const Client& client) {
    for (const Effect& effect : out_) {
      const bool ends = effect.kind == EffectKind::disconnect || effect.kind == EffectKind::close;
      if (ends && effect.conn == client.origin.conn) return false;
    }
    out_.clear();
    return true;
  }
  void end_feed(Client& client) {
    if (client.fed) engine_.fed(*client.fed, out_);
    client.fed.reset();
  }
  bool connect(Client& client, const mqtt::Connect& packet) {
    const std::string assigned = "auto" + std::to_string(client.origin.conn);
    const ConnId conn = client.origin.conn;
    client.origin.seat = engine_.connect({conn, packet, assigned}, now_, out_);
    return client.connected = client.origin.seat != kNoSeat;
  }
  bool command(Client& client, const mqtt::Packet& packet) {
    using enum mqtt::PacketType;
    if (packet.type != disconnect) end_feed(client);
    client.fed.reset();
    switch (packet.type) {
      case publish:
        engine_.publish(client.origin, packet.publish, now_, out_);
        return true;
      case puback:
      case pubrec:
      case pubrel:
      case pubcomp:
        engine_.answer(client.origin, packet.type, packet.ack, now_, out_);
        return true;
      case subscribe:
        client.fed = engine_.subscribe(client.origin, packet.subscribe, now_, out_);
        while (client.fed && !engine_.feed(*client.fed, 2, now_, out_)) {
        }
        return true;
      case unsubscribe:
        engine_.unsubscribe(client.origin, packet.unsubscribe, now_, out_);
        return true;
      case disconnect:
        client.connected = !engine_.disconnect(client.origin, packet.disconnect, now_, out_);
        return false;
      default:
        return packet.type == pingreq;
    }
  }

  const Limits limits_ = small_limits();
  State state_{2};
  Standby standby_;
  EngineCounters counters_;
  Engine engine_{state_, standby_, limits_, nullptr, counters_};
  Effects out_;
  TimeMs now_ = 1000;
  ConnId connections_ = 0;
};

}  // namespace

// The input: who speaks (two bits) and for how many bytes of what follows (14 bits); nothing: the
// connection breaks, or time passes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view in(reinterpret_cast<const char*>(data), size);
  Broker broker;
  Client clients[3];
  for (Client& client : clients) broker.renew(client);
  while (in.size() >= 2) {
    const auto head = static_cast<std::uint8_t>(in[0]);
    const std::size_t length = (head & 0x3fu) << 8 | static_cast<std::uint8_t>(in[1]);
    in.remove_prefix(2);
    const std::string_view said = in.substr(0, length);
    in.remove_prefix(said.size());
    if (head >> 6 == 3) {
      broker.pass_time(length);
      continue;
    }
    Client& client = clients[head >> 6];
    if (said.empty() || !broker.hears(client, said)) broker.renew(client);
  }
  broker.compare();
  return 0;
}
