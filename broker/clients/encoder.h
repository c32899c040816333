// Effects as packets. Pure: bytes are appended to a string, nothing else happens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/clients/auth_word.h"
#include "broker/core/effects.h"
#include "broker/core/limits.h"
#include "broker/mqtt/encode.h"

namespace tandemq::broker {

// For whom it is written.
struct Recipient {
  mqtt::Version version = mqtt::Version::v311;
  std::uint32_t packet_max = 0;    // bytes it takes at once, 0: no limit
  const AuthWord* word = nullptr;  // of its exchange; null: it has none
};

class Encoder {
 public:
  // `promised` is what CONNACK tells; outlives it.
  explicit Encoder(const core::Limits& promised) : promised_(promised) {}

  void publish(std::string& out, mqtt::Version version, const core::Effect& effect, TimeMs now) {
    if (effect.message.get() == last_.message && effect.qos == 0 && !effect.detail &&
        version == last_.version && effect.retain == last_.retain) {
      out.append(last_.in->data() + last_.at, last_.size);
    } else {
      publish_anew(out, version, effect, now);
    }
  }
  // Call when strings that publish() wrote to may have changed since or gone.
  void forget() { last_ = {}; }

  // Every other kind but disconnect and close. Nothing is appended when it would be larger than the
  // recipient takes, or when 3.x has no word for it.
  void answer(std::string& out, const Recipient& to, const core::Effect& effect);

  // A text of its own for the reason when `text` is empty. 5.0 only: nothing for the others.
  void disconnect(std::string& out, const Recipient& to, mqtt::Reason reason,
                  std::string_view text) const;
  // AUTH with the recipient's word.
  void auth(std::string& out, const Recipient& to, mqtt::Reason reason) const;
  // CONNACK to a CONNECT that could not be read.
  void refusal(std::string& out, const Recipient& to, mqtt::Reason reason,
               std::string_view text) const;

 private:
  void publish_anew(std::string& out, mqtt::Version version, const core::Effect& effect,
                    TimeMs now);
  void connack(std::string& out, const Recipient& to, const core::Effect& effect) const;

  const core::Limits& promised_;
  mqtt::Publish publish_;  // reused for its capacity
  // The last PUBLISH of QoS 0 without detail that was written, to be copied when the next one says
  // the same to another client.
  struct Written {
    const core::Message* message = nullptr;
    const std::string* in = nullptr;
    std::size_t at = 0, size = 0;
    mqtt::Version version = mqtt::Version::v311;
    bool retain = false;
  } last_;
};

}  // namespace tandemq::broker
