#include "tests/sim/client.h"

#include <algorithm>
#include <utility>

namespace tandemq::sim {
namespace {

constexpr TimeUs kDelayMin = 50;
constexpr TimeUs kDelayMax = 400;
constexpr TimeUs kPatience = 800 * kMs;  // without an answer a client tries again
constexpr std::size_t kWindow = 20;
constexpr const char* kFilter = "t/#";

std::uint64_t number_of(const std::string& payload, std::string& publisher) {
  const std::size_t space = payload.find(' ');
  publisher = payload.substr(0, space);
  return std::stoull(payload.substr(space + 1));
}

}  // namespace

Client::Client(Place& place, std::uint64_t id, std::string name, FindNode find)
    : place_(place), id_(id), name_(std::move(name)), find_(std::move(find)) {}

void Client::reconnect(TimeUs delay) {
  place_.clock.after(delay, [this] {
    if (node_ != nullptr || !comes_back()) return;
    node_ = find_(id_);
    if (node_ == nullptr) return reconnect(place_.random.between(5 * kMs, 20 * kMs));
    conn_ = node_->accept(id_);
    heard_ = sent_until_ = got_until_ = place_.clock.now();
    Request request;
    request.type = mqtt::PacketType::connect;
    request.text = name_;
    request.kind = kind_;
    send(std::move(request));
    watch(conn_);
  });
}

void Client::watch(core::ConnId conn) {
  place_.clock.after(kPatience / 4, [this, conn] {
    if (conn != conn_) return;
    if (greeted_ && !waits()) heard_ = place_.clock.now();
    if (place_.clock.now() - heard_ > kPatience) return disconnect(place_.random.chance(70));
    watch(conn);
  });
}

void Client::send(Request request) {
  const TimeUs delay = place_.random.between(kDelayMin, kDelayMax);
  sent_until_ = std::max(sent_until_, place_.clock.now() + delay);
  place_.clock.after(sent_until_ - place_.clock.now(),
                     [this, node = node_, conn = conn_, request = std::move(request)] {
                       // Not what was under way when the connection broke.
                       if (conn == conn_ && node->serving()) node->request(conn, request);
                     });
}

void Client::received(core::ConnId conn, const Reply& reply) {
  const TimeUs delay = place_.random.between(kDelayMin, kDelayMax);
  if (conn != conn_) return;
  got_until_ = std::max(got_until_, place_.clock.now() + delay);
  place_.clock.after(got_until_ - place_.clock.now(), [this, conn, reply] {
    if (conn != conn_) return;
    heard_ = place_.clock.now();
    if (reply.closed) return disconnect(false);
    // PUBREL came twice: "packet identifier not found" is what the protocol answers.
    const bool known_twice = reply.type == mqtt::PacketType::pubcomp;
    if (reply.error && !known_twice) return violate("refused: " + reply.reason);
    if (reply.type != mqtt::PacketType::connack) return on_reply(reply);
    if (kind_.clean && reply.session_present) violate("a session outlived a clean one");
    if (!kind_.clean && had_session_ && !reply.session_present) violate("its session is lost");
    greeted_ = had_session_ = true;
    on_connected(reply.session_present);
  });
}

void Client::disconnect(bool node_notices) {
  if (node_ == nullptr) return;
  Node* node = std::exchange(node_, nullptr);
  const core::ConnId conn = std::exchange(conn_, 0);
  greeted_ = false;
  if (node_notices) {
    place_.clock.after(place_.random.between(0, 5 * kMs),
                       [node, conn] { node->client_gone(conn); });
  }
  reconnect(place_.random.between(1 * kMs, 40 * kMs));
}

void Client::cut_off(const Node& node, bool node_notices) {
  if (node_ == &node) disconnect(node_notices);
}

void Publisher::publish(std::uint64_t count, unsigned qos, TimeUs interval, unsigned topics) {
  to_publish_ += count;
  qos_ = qos;
  interval_ = interval;
  topics_ = topics;
  next();
}

void Publisher::next() {
  if (pacing_ || to_publish_ == 0) return;
  pacing_ = true;
  place_.clock.after(place_.random.between(0, interval_), [this] {
    pacing_ = false;
    if (to_publish_ == 0 || !online() || outstanding_.size() >= kWindow) return;
    --to_publish_;
    Outgoing out;
    out.number = ++number_;
    out.request.type = mqtt::PacketType::publish;
    const std::uint64_t topic = place_.random.below(topics_);
    out.request.qos = static_cast<std::uint8_t>(qos_ == 3 ? 1 + topic % 2 : qos_);
    out.request.text = "t/" + name() + "/" + std::to_string(topic);
    out.request.payload = name() + " " + std::to_string(number_);
    out.request.retain = place_.random.chance(10);
    if (mixes_) mix(out.request);
    if (out.request.qos == 0) {
      place_.checker.published({name(), number_}, out.request, place_.clock.now());
      send(out.request);
      return next();
    }
    packet_id_ = static_cast<std::uint16_t>(packet_id_ % 60000 + 1);
    out.request.packet_id = packet_id_;
    place_.checker.published({name(), number_}, out.request, place_.clock.now());
    send(out.request);
    outstanding_.push_back(std::move(out));
    next();
  });
}

void Publisher::mix(Request& request) {
  if (place_.random.chance(10)) {
    request.qos = 0;
  } else if (kind_.version == mqtt::Version::v5 && place_.random.chance(10)) {
    request.message_expiry_s = 1;
  }
  if (request.qos == 0 || request.message_expiry_s != 0) request.retain = false;
}

void Publisher::on_connected(bool) {
  for (Outgoing& out : outstanding_) {
    Request again = out.request;
    if (out.stage == Stage::released) again.type = mqtt::PacketType::pubrel;
    again.dup = again.type == mqtt::PacketType::publish;
    send(std::move(again));
  }
  next();
}

Publisher::Outgoing* Publisher::find(std::uint16_t packet_id, const char* what) {
  const auto found =
      std::find_if(outstanding_.begin(), outstanding_.end(),
                   [packet_id](const Outgoing& out) { return out.request.packet_id == packet_id; });
  if (found != outstanding_.end()) return &*found;
  violate(std::string(what) + " for packet identifier " + std::to_string(packet_id) +
          ", which is not in use");
  return nullptr;
}

void Publisher::on_reply(const Reply& reply) {
  Outgoing* out = nullptr;
  switch (reply.type) {
    case mqtt::PacketType::puback:
    case mqtt::PacketType::pubrec:
      out = find(reply.packet_id, "PUBACK or PUBREC");
      if (out == nullptr) return;
      if (out->stage == Stage::sent) {
        place_.checker.acknowledged({name(), out->number});
        ++acknowledged_;
      }
      if (reply.type == mqtt::PacketType::pubrec) {
        out->stage = Stage::released;
        Request release;
        release.type = mqtt::PacketType::pubrel;
        release.packet_id = reply.packet_id;
        return send(std::move(release));
      }
      break;
    case mqtt::PacketType::pubcomp:
      out = find(reply.packet_id, "PUBCOMP");
      if (out == nullptr) return;
      break;
    default:
      return violate("a packet that no publisher gets");
  }
  outstanding_.erase(outstanding_.begin() + (out - outstanding_.data()));
  next();
}

Subscriber::Subscriber(Place& place, std::uint64_t id, std::string name, FindNode find,
                       unsigned qos)
    : Client(place, id, std::move(name), std::move(find)), qos_(qos) {
  kind_.has_will = true;
  place_.checker.expects(this->name(), qos);
}

void Subscriber::joins(const std::string& group) {
  group_ = group;
  place_.checker.expects(judged_as(), qos_, Checker::Sees::shared);
}

// What a clean session promises holds for one connection; a share's messages go to the others.
std::string Subscriber::judged_as() const {
  if (!group_.empty()) return group_;
  return kind_.clean ? name() + "'s connection " + std::to_string(connection()) : name();
}

void Subscriber::on_connected(bool session_present) {
  if (!session_present) received_.clear();
  if (kind_.clean) {
    subscribed_ = false;
    if (group_.empty()) place_.checker.expects(judged_as(), qos_, Checker::Sees::late);
  }
  if (subscribed_) return;
  Request request;
  request.type = mqtt::PacketType::subscribe;
  request.text = group_.empty() ? kFilter : "$share/" + group_ + "/" + kFilter;
  request.qos = static_cast<std::uint8_t>(qos_);
  request.packet_id = 1;
  send(std::move(request));
}

void Subscriber::on_reply(const Reply& reply) {
  switch (reply.type) {
    case mqtt::PacketType::suback:
      subscribed_ = true;
      if (!kind_.clean) place_.checker.subscribed(judged_as(), place_.clock.now());
      return;
    case mqtt::PacketType::publish:
      return take(reply);
    case mqtt::PacketType::pubrel:
      received_.erase(reply.packet_id);
      return acknowledge(mqtt::PacketType::pubcomp, reply.packet_id);
    default:
      return violate("a packet that no subscriber gets");
  }
}

void Subscriber::take(const Reply& reply) {
  bool known = false;
  if (reply.qos == 2) {
    const auto [at, fresh] = received_.try_emplace(reply.packet_id, reply.payload);
    known = !fresh;
    if (known && (!reply.dup || at->second != reply.payload)) {
      violate("a packet identifier in use comes with another message");
      // The session of another history after a split. A client drops what comes as a duplicate;
      // here it is counted, so that nothing else hides behind it.
      known = false;
      at->second = reply.payload;
    }
  }
  if (!known) {
    MessageKey key;
    key.number = number_of(reply.payload, key.publisher);
    ++delivered_;
    if (reply.retain) retained_[reply.topic] = key;
    if (!kind_.clean || !reply.retain) place_.checker.delivered(judged_as(), key);
  }
  if (reply.qos == 1) acknowledge(mqtt::PacketType::puback, reply.packet_id);
  if (reply.qos == 2) acknowledge(mqtt::PacketType::pubrec, reply.packet_id);
}

void Subscriber::acknowledge(mqtt::PacketType type, std::uint16_t packet_id) {
  Request request;
  request.type = type;
  request.packet_id = packet_id;
  send(std::move(request));
}

}  // namespace tandemq::sim
