// Puts packets into clients' channels, and counts them.
#pragma once

#include <string_view>

#include "broker/clients/client.h"
#include "broker/clients/counters.h"
#include "broker/clients/encoder.h"
#include "broker/support/turn.h"

namespace tandemq::broker {

class PacketWriter {
 public:
  // All outlive it.
  PacketWriter(const core::Limits& promised, const Turn& turn, ClientCounters& counters)
      : encoder_(promised), turn_(turn), counters_(counters) {}

  // Before the effects of a command or a commit: channels may have sent since the last ones.
  void begin_batch() { encoder_.forget(); }

  void publish(Client& client, const core::Effect& effect) {
    ++counters_.publishes_sent;
    counters_.payload_bytes_sent += effect.message->payload().size();
    write(client, [&](std::string& out) {
      encoder_.publish(out, client.decoder.version(), effect, turn_.now());
    });
  }
  // False when nothing was written: it is larger than the client takes, or has no word for it.
  bool answer(Client& client, const core::Effect& effect) {
    return write(client,
                 [&](std::string& out) { encoder_.answer(out, recipient(client), effect); });
  }
  // Nothing before CONNACK.
  void disconnect(Client& client, mqtt::Reason reason, std::string_view text) {
    if (!client.greeted) return;
    write(client,
          [&](std::string& out) { encoder_.disconnect(out, recipient(client), reason, text); });
  }
  // Of its exchange. False when the client does not take as much.
  bool auth(Client& client, mqtt::Reason reason) {
    return write(client, [&](std::string& out) { encoder_.auth(out, recipient(client), reason); });
  }
  void refusal(Client& client, mqtt::Reason reason, std::string_view text) {
    write(client,
          [&](std::string& out) { encoder_.refusal(out, recipient(client), reason, text); });
  }

 private:
  static Recipient recipient(const Client& client) {
    return {client.decoder.version(), client.packet_max,
            client.enhanced ? &client.enhanced->word : nullptr};
  }

  template <class Encode>
  bool write(Client& client, Encode encode) {
    std::string& out = client.channel.output();
    const std::size_t before = out.size();
    encode(out);
    if (out.size() == before) return false;
    ++counters_.packets_sent;
    client.channel.appended(out.size() - before);
    return true;
  }

  Encoder encoder_;
  const Turn& turn_;
  ClientCounters& counters_;
};

}  // namespace tandemq::broker
