// Clients that do at random what clients do, and a little of what they should not.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "tests/unit/core/rig.h"

namespace tandemq::core::test {

struct Monkey {
  explicit Monkey(std::uint64_t seed, const Limits& limits_ = limits())
      : random(seed), rig(limits_) {}

  static Limits limits() {
    Limits limits;
    limits.inflight_maximum = 4;
    limits.queued_messages_max = 6;
    limits.receive_maximum = 3;
    limits.subscriptions_per_session_max = 5;
    limits.retained_messages_max = 6;
    return limits;
  }
  // All queues together hold less than the clients' may, and the oldest go.
  static Limits tight_limits() {
    Limits tight = limits();
    tight.queued_messages_total_max = 10;
    tight.queued_bytes_total_max = 1500;
    tight.queue_full = QueueFull::drop_oldest;
    tight.queue_qos0_messages = true;
    return tight;
  }
  std::size_t roll(std::size_t n) { return random() % n; }
  template <class T>
  const T& one_of(const std::vector<T>& items) {
    return items[roll(items.size())];
  }

  void connect() {
    const std::string id = "c" + std::to_string(roll(6));
    mqtt::Will will;
    const std::string topic = one_of(topics);
    will.topic = topic;
    will.payload = "will";
    will.qos = static_cast<std::uint8_t>(roll(3));
    will.retain = roll(2) == 0;
    will.delay_s = static_cast<std::uint32_t>(roll(3));
    ConnectOptions o;
    o.version = roll(2) ? Version::v5 : Version::v311;
    o.clean = roll(3) == 0;
    o.expiry_s = static_cast<std::uint32_t>(roll(4) * 2);
    o.keep_alive_s = static_cast<std::uint16_t>(roll(4));
    o.receive_maximum = static_cast<std::uint16_t>(1 + roll(6));
    if (roll(5) == 0) o.maximum_packet_size = static_cast<std::uint32_t>(20 + roll(30));
    if (roll(4) == 0) o.will = &will;
    Client& client = rig.connect(id, o);
    if (client.origin.seat != kNoSeat) live.push_back(&client);
  }

  // Answers the oldest packet that wants an answer, most of the time rightly.
  void answer(Client& client) {
    if (client.got.empty()) return;
    const Effect effect = client.got.front();
    client.got.erase(client.got.begin());
    const std::uint16_t id = effect.packet_id;
    const Reason reason = roll(20) == 0 ? Reason::quota_exceeded : Reason::success;
    switch (effect.kind) {
      case EffectKind::publish:
        if (effect.qos == 1) client.puback(id, reason);
        if (effect.qos == 2) client.pubrec(id, reason);
        break;
      case EffectKind::pubrec:
        if (!mqtt::is_error(effect.reason)) client.pubrel(id);
        break;
      case EffectKind::pubrel:
        client.pubcomp(id);
        break;
      case EffectKind::disconnect:
      case EffectKind::close:
        forget(client, roll(2) == 0);
        break;
      default:
        break;
    }
  }
  // All packets of one kind that want an answer, oldest first, and a wrong one at times.
  void answer_all(Client& client, EffectKind of, mqtt::PacketType with) {
    std::vector<std::uint16_t> ids;
    std::erase_if(client.got, [&](const Effect& effect) {
      const bool wants =
          effect.kind == of && effect.packet_id != 0 && !mqtt::is_error(effect.reason) &&
          (of != EffectKind::publish || effect.qos == (with == mqtt::PacketType::puback ? 1 : 2));
      if (wants) ids.push_back(effect.packet_id);
      return wants;
    });
    if (roll(20) == 0) ids.push_back(static_cast<std::uint16_t>(1 + roll(9)));
    if (!ids.empty() && roll(20) == 0) ids.push_back(ids.front());
    client.answers(with, ids);
  }
  void answer_many(Client& client) {
    using mqtt::PacketType;
    switch (roll(4)) {
      case 0:
        return answer_all(client, EffectKind::publish, PacketType::puback);
      case 1:
        return answer_all(client, EffectKind::publish, PacketType::pubrec);
      case 2:
        return answer_all(client, EffectKind::pubrec, PacketType::pubrel);
      default:
        return answer_all(client, EffectKind::pubrel, PacketType::pubcomp);
    }
  }
  void forget(Client& client, bool tell) {
    std::erase(live, &client);
    if (tell) client.drop();
  }

  void act(Client& client) {
    const std::uint8_t qos = static_cast<std::uint8_t>(roll(3));
    switch (roll(13)) {
      case 12: {
        mqtt::Subscribe packet;
        packet.packet_id = 9;
        for (std::size_t n = roll(30); n > 0; --n)
          packet.filters.push_back(
              {one_of(filters), qos, false, false, static_cast<std::uint8_t>(roll(3))});
        if (!packet.filters.empty()) client.subscribe(packet);
        break;
      }
      case 0: {
        mqtt::SubscribeFilter filter{one_of(filters), qos, false, roll(2) == 0,
                                     static_cast<std::uint8_t>(roll(3))};
        filter.no_local = !filter.filter.starts_with("$share") && roll(3) == 0;
        client.subscribe(filter, static_cast<std::uint32_t>(roll(3)));
        break;
      }
      case 1:
        client.unsubscribe(one_of(filters));
        break;
      case 2:
        if (client.disconnect(roll(2) ? Reason::success : Reason::disconnect_with_will,
                              static_cast<std::int64_t>(roll(4)) - 1))
          forget(client, false);
        break;
      case 3:
        forget(client, true);
        break;
      case 4:
        client.pubrec(static_cast<std::uint16_t>(roll(9)));
        break;
      case 5:
        client.pubrel(static_cast<std::uint16_t>(roll(9)));
        break;
      default: {
        PublishOptions o;
        o.qos = qos;
        o.retain = roll(4) == 0;
        o.packet_id = static_cast<std::uint16_t>(qos == 0 ? 0 : 1 + roll(8));
        if (roll(4) == 0) o.expiry_s = static_cast<std::int64_t>(roll(4));
        client.publish(one_of(topics), roll(4) ? "payload" : "", o);
      }
    }
  }

  void step() {
    rig.now += roll(400);
    const std::size_t what = roll(100);
    if (what == 0) {
      rig.fail_over();
      live.clear();
    } else if (what < 8 || live.empty()) {
      connect();
    } else if (what < 15) {
      rig.expire();
    } else if (what < 55) {
      roll(3) == 0 ? answer_many(*one_of(live)) : answer(*one_of(live));
    } else {
      act(*one_of(live));
    }
  }

  const std::vector<std::string> topics{"a", "a/b", "a/c", "b", "b/b/b", "$x/a"};
  const std::vector<std::string> filters{"a",          "a/b",  "a/+",    "#",
                                         "+/b",        "a/#",  "b/b/b",  "$share/g/a/+",
                                         "$share/h/#", "$x/#", "bad/#/x"};
  std::mt19937_64 random;
  Rig rig;
  std::vector<Client*> live;
};

}  // namespace tandemq::core::test
