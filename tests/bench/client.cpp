#include "tests/bench/client.h"

#include <algorithm>

namespace tandemq::bench {

using mqtt::PacketType;
using mqtt::Reason;

Client::Client(Loop& loop, ClientEvents& events, std::uint32_t number, ClientOptions options)
    : Socket(loop),
      events_(events),
      number_(number),
      options_(std::move(options)),
      decoder_(mqtt::Side::client),
      slots_(options_.window) {
  for (std::uint16_t i = 0; i < options_.window; ++i) free_.push_back(i);
}

void Client::connect(const Address& address) {
  dialled_ns_ = now_ns();
  up_ = false;
  open(address);
}

void Client::on_open() {
  decoder_ = mqtt::Decoder(mqtt::Side::client);
  decoder_.set_version(options_.version);
  mqtt::Connect connect;
  connect.version = options_.version;
  const bool v5 = options_.version == mqtt::Version::v5;
  // 3.x ties the end of the session to the clean flag, so a persistent client never sets it.
  connect.clean_start = v5 ? options_.clean_start && !had_session_ : !options_.persistent;
  connect.keep_alive_s = options_.keep_alive_s;
  connect.client_id = options_.id;
  connect.has_username = !options_.username.empty();
  connect.username = options_.username;
  connect.has_password = !options_.password.empty();
  connect.password = options_.password;
  if (v5 && options_.persistent) {
    connect.properties.mark(mqtt::Property::session_expiry);
    connect.properties.session_expiry_s = 3600;
  }
  connect.has_will = !options_.will_topic.empty();
  connect.will.topic = options_.will_topic;
  connect.will.payload = options_.id;
  connect.will.qos = 1;
  connect.will.delay_s = v5 ? options_.will_delay_s : 0;
  encode(out(), connect);
  want_flush();
}

void Client::subscribe(const std::string& filter, std::uint8_t qos) {
  mqtt::Subscribe packet;
  packet.packet_id = 65535;  // above every slot
  packet.filters.push_back({.filter = filter, .qos = qos});
  encode(out(), options_.version, packet);
  want_flush();
}

void Client::ping() {
  pinged_ns_ = now_ns();
  mqtt::encode_pingreq(out());
  want_flush();
}

void Client::leave(bool end_session) {
  if (up_) {
    mqtt::Disconnect packet;
    if (end_session && options_.version == mqtt::Version::v5) {
      packet.properties.mark(mqtt::Property::session_expiry);
    }
    encode(out(), options_.version, packet);
    want_flush();
    flush_now();
  }
  drop();
}

void Client::drop() {
  up_ = false;
  pinged_ns_ = 0;
  close();
}

void Client::publish(const mqtt::Publish& message, std::uint64_t tag, std::uint64_t now) {
  want_flush();
  if (message.qos == 0) return encode(out(), options_.version, message);
  const std::uint16_t index = free_.front();
  free_.pop_front();
  Slot& slot = slots_[index];
  slot.step = Step::publish;
  slot.qos = message.qos;
  slot.retain = message.retain;
  slot.order = next_order_++;
  slot.tag = tag;
  slot.sent_ns = now;
  slot.topic.assign(message.topic);
  slot.payload.assign(message.payload);
  mqtt::Publish packet = message;
  packet.packet_id = static_cast<std::uint16_t>(index + 1);
  encode(out(), options_.version, packet);
}

std::size_t Client::on_data(std::string_view data) {
  const std::uint64_t now = now_ns();
  heard_ns_ = now;
  std::size_t taken = 0;
  while (state() == State::open) {
    std::size_t size = 0;
    const mqtt::Decoded result = decoder_.decode(data.substr(taken), packet_, size);
    if (result == mqtt::Decoded::need_more) break;
    if (result == mqtt::Decoded::error) {
      lost(decoder_.error_text(), now);
      break;
    }
    taken += size;
    handle(packet_, now);
  }
  return taken;
}

void Client::handle(const mqtt::Packet& packet, std::uint64_t now) {
  switch (packet.type) {
    case PacketType::publish:
      return handle_publish(packet.publish, now);
    case PacketType::puback:
      return handle_puback(packet.ack, now);
    case PacketType::pubrec:
      return handle_pubrec(packet.ack, now);
    case PacketType::pubrel:
      if (received_) received_->reset(packet.ack.packet_id);
      return answer(PacketType::pubcomp, packet.ack.packet_id);
    case PacketType::pubcomp:
      if (Slot* slot = slot_of(packet.ack.packet_id, Step::pubrel)) release(*slot);
      return;
    case PacketType::connack:
      return handle_connack(packet.connack, now);
    case PacketType::suback:
      return events_.on_subscribed(*this, !is_error(packet.subscribe_ack.codes.front()));
    case PacketType::pingresp:
      pinged_ns_ = 0;
      return;
    case PacketType::disconnect:
      return lost("DISCONNECT from the broker", now);
    default:
      return;
  }
}

void Client::handle_connack(const mqtt::Connack& connack, std::uint64_t now) {
  if (connack.reason != Reason::success) return lost("CONNECT was refused", now);
  up_ = true;
  pinged_ns_ = 0;
  send_quota_ = std::min<std::size_t>(options_.window, connack.properties.receive_maximum);
  const bool again = had_session_;
  had_session_ = options_.persistent;
  resend(connack.session_present || !again);
  events_.on_up(*this, connack.session_present, now);
}

// Unacknowledged PUBLISHes in their first order, and PUBRELs in theirs ([MQTT-4.4.0-1],
// [MQTT-4.6.0-1]). A broker that has lost the session gets the messages as new ones.
void Client::resend(bool session_present) {
  std::vector<Slot*> pending;
  for (Slot& slot : slots_) {
    if (slot.step == Step::pubrel && !session_present) release(slot);
    if (slot.step != Step::free) pending.push_back(&slot);
  }
  if (!session_present && received_) received_->reset();
  std::sort(pending.begin(), pending.end(), [](const Slot* a, const Slot* b) {
    return a->step != b->step ? a->step > b->step : a->order < b->order;
  });
  for (const Slot* slot : pending) {
    const auto id = static_cast<std::uint16_t>(slot - slots_.data() + 1);
    if (slot->step == Step::pubrel) {
      answer(PacketType::pubrel, id);
      continue;
    }
    mqtt::Publish packet;
    packet.topic = slot->topic;
    packet.payload = slot->payload;
    packet.qos = slot->qos;
    packet.retain = slot->retain;
    packet.dup = session_present;
    packet.packet_id = id;
    encode(out(), options_.version, packet);
    want_flush();
  }
}

void Client::handle_publish(const mqtt::Publish& publish, std::uint64_t now) {
  if (publish.qos == 2) {
    if (!received_) received_ = std::make_unique<std::bitset<65536>>();
    if (!received_->test(publish.packet_id)) {
      received_->set(publish.packet_id);
      events_.on_message(*this, publish, now);
    }
    return answer(PacketType::pubrec, publish.packet_id);
  }
  events_.on_message(*this, publish, now);
  if (publish.qos == 1) answer(PacketType::puback, publish.packet_id);
}

void Client::handle_puback(const mqtt::Ack& ack, std::uint64_t now) {
  Slot* slot = slot_of(ack.packet_id, Step::publish);
  if (!slot) return;
  if (!is_error(ack.reason)) events_.on_acknowledged(*this, slot->tag, slot->sent_ns, now);
  release(*slot);
}

void Client::handle_pubrec(const mqtt::Ack& ack, std::uint64_t now) {
  if (is_error(ack.reason)) return handle_puback(ack, now);
  Slot* slot = slot_of(ack.packet_id, Step::publish);
  if (slot) {
    events_.on_acknowledged(*this, slot->tag, slot->sent_ns, now);
    slot->step = Step::pubrel;
    slot->order = next_order_++;
  } else {
    slot = slot_of(ack.packet_id, Step::pubrel);
  }
  answer(PacketType::pubrel, ack.packet_id, slot ? Reason::success : Reason::packet_id_not_found);
}

Client::Slot* Client::slot_of(std::uint16_t packet_id, Step step) {
  if (packet_id > slots_.size()) return nullptr;
  Slot& slot = slots_[packet_id - 1u];
  return slot.step == step ? &slot : nullptr;
}

void Client::release(Slot& slot) {
  slot.step = Step::free;
  free_.push_back(static_cast<std::uint16_t>(&slot - slots_.data()));
}

void Client::answer(PacketType type, std::uint16_t packet_id, Reason reason) {
  ack_.packet_id = packet_id;
  ack_.reason = reason;
  mqtt::encode_ack(out(), options_.version, type, ack_);
  want_flush();
}

void Client::lost(const char* why, std::uint64_t now) {
  drop();
  events_.on_down(*this, why, now);
}

void Client::on_closed(const char* why) {
  up_ = false;
  pinged_ns_ = 0;
  events_.on_down(*this, why, now_ns());
}

}  // namespace tandemq::bench
