// A model check: clients that behave, a primary whose effects leave only when committed, links that
// break and primaries that die at random moments. A new primary holds a random prefix of the
// records, at least what was committed. Nothing acknowledged may be lost, QoS 2 arrives once, order
// holds. Between a keeper and a worker with a clean session, who share, nothing is lost either.
#include <algorithm>
#include <deque>
#include <optional>
#include <random>
#include <set>

#include "tests/unit/core/rig.h"

using namespace tandemq;
using namespace tandemq::core;
using namespace tandemq::core::test;

namespace {

struct Outgoing {
  int number;
  std::uint16_t id;
  bool received = false;  // PUBREC came
};

enum class Part : std::uint8_t { alone, keeper, worker };  // these two share, and publish nothing

// Publisher and subscriber in one: publishes numbers on its own topic, subscribes to all topics.
struct Peer {
  std::string id;
  Part part = Part::alone;
  std::uint8_t qos = 2;
  Version version = Version::v5;
  Origin origin;
  bool online = false;
  bool connack = false;
  bool subscribed = false;
  bool known = false;  // the broker has told us that our session exists
  std::deque<Effect> inbox;
  std::set<std::uint16_t> open;  // deliveries on this connection not finished by us
  std::size_t window = 0;
  bool newer = false;  // a PUBLISH without DUP came on this connection

  int next_number = 1;
  std::uint16_t next_id = 1;
  std::vector<Outgoing> unacknowledged;
  std::set<int> acknowledged;

  std::set<std::uint16_t> held;                  // QoS 2 identifiers taken over
  std::map<std::string, std::vector<int>> seen;  // topic → numbers in the order of arrival
};

class World {
 public:
  World(std::uint64_t seed, std::uint8_t qos, std::uint16_t window) : random_(seed) {
    limits_.inflight_maximum = window;
    state_ = std::make_unique<State>();
    engine_ = std::make_unique<Engine>(*state_, log_, limits_, nullptr, counters_);
    for (int i = 0; i < 3; ++i) {
      Peer& peer = peers_.emplace_back();
      peer.id = "peer" + std::to_string(i);
      peer.qos = qos;
      peer.version = i == 0 ? Version::v311 : Version::v5;
    }
    for (const Part part : {Part::keeper, Part::worker}) {
      Peer& peer = peers_.emplace_back();
      peer.id = part == Part::keeper ? "keeper" : "worker";
      peer.part = part;
      peer.qos = 1;
    }
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) step();
    calm_ = true;
    for (int i = 0; i < 20'000 && !quiet(); ++i) step();
    REQUIRE(quiet());
    for (const Peer& peer : peers_)
      if (peer.part == Part::alone) check(peer);
    check_share();
  }

 private:
  int roll(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  bool quiet() const {
    return std::all_of(peers_.begin(), peers_.end(),
                       [&](const Peer& peer) {
                         return peer.online && peer.subscribed && peer.inbox.empty() &&
                                peer.unacknowledged.empty() && peer.held.empty();
                       }) &&
           outbox_.empty() && state_->figures().queued == 0;
  }

  void step() {
    now_ += static_cast<TimeMs>(roll(50));
    Peer& peer = peers_[static_cast<std::size_t>(roll(static_cast<int>(peers_.size())))];
    const int what = roll(1000);
    if (!calm_ && what < 4) return fail_over();
    if (!calm_ && what < 20 && peer.online) return cut(peer, true);
    if (what < 60) return commit();
    if (!peer.online) return connect(peer);
    if (!peer.inbox.empty() && what < 800) return read(peer);
    if (!peer.connack) return;
    if (!peer.subscribed) return subscribe(peer);
    if (!calm_ && peer.part == Part::alone && peer.unacknowledged.size() < 5) publish(peer);
  }

  // --- the broker's side
  void route() {
    for (Effect& effect : out_) outbox_.push_back(std::move(effect));
    out_.clear();
    release();
  }
  void release() {
    std::deque<Effect> later;
    for (Effect& effect : outbox_) {
      if (effect.after > committed_) {
        later.push_back(std::move(effect));
        continue;
      }
      for (Peer& peer : peers_)
        if (peer.online && peer.origin.conn == effect.conn) peer.inbox.push_back(std::move(effect));
    }
    outbox_ = std::move(later);
  }
  void commit() {
    if (committed_ < log_.last) committed_ += 1 + random_() % (log_.last - committed_);
    release();
  }
  void fail_over() {
    const Lsn kept = committed_ + random_() % (log_.last - committed_ + 1);
    log_.records.resize(kept);
    log_.last = kept;
    outbox_.clear();
    for (Peer& peer : peers_) cut(peer, false);
    engine_.reset();
    state_ = std::make_unique<State>();
    for (const Logged& one : log_.records) {
      Status status = state_->apply_encoded(one.lsn, one.kind, one.body);
      if (!status) FAIL(status.error().message);
    }
    std::string body;
    encode_record(body, ReignBegan{make_epoch(++epoch_, 1), now_});
    committed_ = log_.append(Kind::reign_began, body);
    REQUIRE(state_->apply_encoded(committed_, Kind::reign_began, body));
    engine_ = std::make_unique<Engine>(*state_, log_, limits_, nullptr, counters_);
  }

  // --- the clients' side
  void cut(Peer& peer, bool tell) {
    if (peer.online && tell) {
      engine_->disconnected(peer.origin, now_, out_);
      route();
    }
    peer.online = peer.connack = false;
    peer.inbox.clear();
  }
  void connect(Peer& peer) {
    mqtt::Connect packet;
    packet.version = peer.version;
    packet.client_id = peer.id;
    packet.clean_start = peer.part == Part::worker;
    packet.properties.session_expiry_s = packet.clean_start ? 0 : kNeverExpires;
    packet.properties.receive_maximum = static_cast<std::uint16_t>(1 + roll(20));
    peer.window = limits_.inflight_maximum;
    if (peer.version == Version::v5)
      peer.window = std::min<std::size_t>(peer.window, packet.properties.receive_maximum);
    peer.open.clear();
    peer.newer = false;
    if (packet.clean_start) peer.subscribed = peer.known = false;
    peer.origin.conn = ++conns_;
    peer.online = true;
    peer.origin.seat = engine_->connect({peer.origin.conn, packet, ""}, now_, out_);
    route();
  }
  void subscribe(Peer& peer) {
    mqtt::Subscribe packet;
    packet.packet_id = 60'000;
    const char* filter = peer.part == Part::alone ? "n/#" : "$share/g/n/#";
    packet.filters.push_back({filter, peer.qos, false, false, 0});
    const auto feed = engine_->subscribe(peer.origin, packet, now_, out_);
    while (feed && !engine_->feed(*feed, 100, now_, out_)) {
    }
    route();
  }
  void send_publish(Peer& peer, const Outgoing& one, bool dup) {
    const std::string topic = "n/" + peer.id, payload = std::to_string(one.number);
    mqtt::Publish packet;
    packet.topic = topic;
    packet.payload = payload;
    packet.qos = peer.qos;
    packet.dup = dup;
    packet.packet_id = one.id;
    engine_->publish(peer.origin, packet, now_, out_);
    route();
  }
  void publish(Peer& peer) {
    // Until everyone has subscribed a message could rightly have no receiver.
    for (const Peer& other : peers_)
      if (!other.subscribed && other.part != Part::worker) return;
    const std::uint16_t id = peer.next_id;
    peer.next_id = id == 50 ? std::uint16_t{1} : static_cast<std::uint16_t>(id + 1);
    for (const Outgoing& one : peer.unacknowledged)
      if (one.id == id) return;
    peer.unacknowledged.push_back({peer.next_number++, id});
    send_publish(peer, peer.unacknowledged.back(), false);
  }
  void ack(Peer& peer, mqtt::PacketType type, std::uint16_t id) {
    mqtt::Ack packet;
    packet.packet_id = id;
    engine_->answer(peer.origin, type, packet, now_, out_);
    route();
  }
  void read(Peer& peer) {
    const Effect effect = std::move(peer.inbox.front());
    peer.inbox.pop_front();
    const std::uint16_t id = effect.packet_id;
    switch (effect.kind) {
      case EffectKind::connack:
        return on_connack(peer, effect);
      case EffectKind::suback:
        peer.subscribed = true;
        return;
      case EffectKind::publish:
        return on_publish(peer, effect);
      case EffectKind::puback:
        return finish(peer, id);
      case EffectKind::pubrec:
        for (Outgoing& one : peer.unacknowledged)
          if (one.id == id) {
            one.received = true;
            peer.acknowledged.insert(one.number);
          }
        return ack(peer, mqtt::PacketType::pubrel, id);
      case EffectKind::pubcomp:
        return finish(peer, id);
      case EffectKind::pubrel:
        peer.held.erase(id);
        peer.open.erase(id);
        return ack(peer, mqtt::PacketType::pubcomp, id);
      case EffectKind::disconnect:
        FAIL("refused");
        return;
      default:
        return;
    }
  }
  void on_connack(Peer& peer, const Effect& effect) {
    REQUIRE(effect.reason == Reason::success);
    if (peer.known) REQUIRE(effect.detail->session_present);
    peer.known = peer.connack = true;
    // On a copy: answers may come while it is sent.
    const auto again = peer.unacknowledged;
    for (const Outgoing& one : again) {
      if (one.received)
        ack(peer, mqtt::PacketType::pubrel, one.id);
      else
        send_publish(peer, one, true);
    }
  }
  void on_publish(Peer& peer, const Effect& effect) {
    const std::uint16_t id = effect.packet_id;
    REQUIRE(effect.qos == peer.qos);
    REQUIRE(id != 0);
    // The window holds, an identifier is used once, and what is sent again comes first.
    REQUIRE(peer.open.insert(id).second);
    REQUIRE(peer.open.size() <= peer.window);
    REQUIRE_FALSE((effect.dup && peer.newer));
    peer.newer = peer.newer || !effect.dup;
    const int number = std::stoi(std::string(effect.message->payload()));
    auto& seen = peer.seen[std::string(effect.message->topic())];
    if (peer.qos == 1) {
      if (!effect.dup || std::find(seen.begin(), seen.end(), number) == seen.end())
        seen.push_back(number);
      peer.open.erase(id);
      return ack(peer, mqtt::PacketType::puback, id);
    }
    if (peer.held.insert(id).second) seen.push_back(number);
    ack(peer, mqtt::PacketType::pubrec, id);
  }
  void finish(Peer& peer, std::uint16_t id) {
    for (auto one = peer.unacknowledged.begin(); one != peer.unacknowledged.end(); ++one) {
      if (one->id != id) continue;
      peer.acknowledged.insert(one->number);
      peer.unacknowledged.erase(one);
      return;
    }
  }

  void check(const Peer& peer) {
    for (const Peer& publisher : peers_) {
      std::vector<int> got;
      auto seen = peer.seen.find("n/" + publisher.id);
      if (seen != peer.seen.end()) got = seen->second;
      CAPTURE(peer.id);
      CAPTURE(publisher.id);
      if (peer.qos == 1) {
        // At least once; in order if repetitions are left out.
        std::vector<int> firsts;
        for (int number : got)
          if (std::find(firsts.begin(), firsts.end(), number) == firsts.end())
            firsts.push_back(number);
        got = firsts;
      }
      CHECK(std::is_sorted(got.begin(), got.end()));
      CHECK(std::adjacent_find(got.begin(), got.end()) == got.end());
      for (int number : publisher.acknowledged)
        CHECK(std::binary_search(got.begin(), got.end(), number));
      CHECK(publisher.acknowledged.size() == static_cast<std::size_t>(publisher.next_number - 1));
    }
  }

  void check_share() {
    std::map<std::string, std::set<int>> got;
    for (const Peer& peer : peers_) {
      if (peer.part == Part::alone) continue;
      for (const auto& [topic, numbers] : peer.seen)
        got[topic].insert(numbers.begin(), numbers.end());
    }
    for (const Peer& publisher : peers_) {
      CAPTURE(publisher.id);
      for (int number : publisher.acknowledged) CHECK(got["n/" + publisher.id].contains(number));
    }
  }

  std::mt19937_64 random_;
  Limits limits_;
  Log log_;
  std::unique_ptr<State> state_;
  EngineCounters counters_;
  std::unique_ptr<Engine> engine_;
  std::vector<Peer> peers_;
  std::deque<Effect> outbox_;
  Effects out_;
  Lsn committed_ = 0;
  TimeMs now_ = 1;
  ConnId conns_ = 0;
  std::uint64_t epoch_ = 0;
  bool calm_ = false;
};

}  // namespace

TEST_CASE(
    "QoS 2 arrives exactly once and in order across dying primaries [5:4.3.3-2 5:4.3.3-3 "
    "5:4.3.3-12 5:4.6.0-5 5:4.6.0-6 3:4.3.3-1 3:4.6.0-5 3:4.6.0-6]") {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    World world(seed, 2, static_cast<std::uint16_t>(1 + seed % 7));
    world.run(3000);
  }
}

TEST_CASE("QoS 1 arrives at least once and in order across dying primaries [5:4.3.2-2 5:4.3.2-3]") {
  for (std::uint64_t seed = 1001; seed <= 1150; ++seed) {
    CAPTURE(seed);
    World world(seed, 1, static_cast<std::uint16_t>(1 + seed % 7));
    world.run(3000);
  }
}
