#include "tests/sim/mortal.h"

namespace tandemq::sim {
namespace {

constexpr std::uint16_t kKeepAliveS = 1;

}  // namespace

Mortal::Mortal(Place& place, std::uint64_t id, const std::string& name, const FindNode& find)
    : Client(place, id, name, find) {
  kind_.has_will = true;
  kind_.keep_alive_s = kKeepAliveS;
}

// The broker that holds its connection notices when the keep-alive is over; one that takes over
// never had it, and waits as long.
void Mortal::on_connected(bool) {
  ++connections_;
  const TimeUs now = place_.clock.now();
  const core::ConnId of = connection();
  place_.clock.after(dies_at_ > now ? dies_at_ - now : 0, [this, of] {
    if (died_at_ == 0 && online() && connection() == of) die();
  });
}

void Mortal::die() {
  place_.say(name() + " dies");
  died_at_ = place_.clock.now();
  place_.clock.after(place_.random.between(0, kKeepAliveS * 1500 * kMs),
                     [node = node(), conn = connection()] { node->client_gone(conn); });
  disconnect(false);
}

Heir::Heir(Place& place, std::uint64_t id, const std::string& name, const FindNode& find)
    : Client(place, id, name, find) {}

void Heir::on_connected(bool) {
  if (subscribed_at_ != 0) return;
  Request request;
  request.type = mqtt::PacketType::subscribe;
  request.text = kWillTopic;
  request.qos = 1;
  request.packet_id = 1;
  send(std::move(request));
}

void Heir::on_reply(const Reply& reply) {
  if (reply.type == mqtt::PacketType::suback) subscribed_at_ = place_.clock.now();
  if (reply.type != mqtt::PacketType::publish) return;
  wills_.insert(reply.payload);
  Request request;
  request.type = mqtt::PacketType::puback;
  request.packet_id = reply.packet_id;
  send(std::move(request));
}

}  // namespace tandemq::sim
