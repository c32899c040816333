// From a client's bytes to whole packets. A readable client is read once a turn, and all whole
// packets in what came are decoded in place and handled, as far as its share of the turn goes.
#pragma once

#include "broker/clients/dispatch.h"
#include "broker/clients/publish_gate.h"
#include "broker/clients/reading_pause.h"

namespace tandemq::broker {

class Intake {
 public:
  // All outlive it.
  Intake(Stages& stages, TurnShare& share, ReadingPause& pause, PublishGate& gate,
         Dispatch& dispatch, PacketWriter& writer, const Turn& turn, ClientCounters& counters)
      : stages_(stages),
        share_(share),
        pause_(pause),
        gate_(gate),
        dispatch_(dispatch),
        writer_(writer),
        turn_(turn),
        counters_(counters) {}

  // These may end and destroy the client.
  void readable(Client& client);
  void go_on(Client& client);  // with what it had no time for
  // The client has taken some of what was unsent.
  void writable(Client& client);

 private:
  void take(Client& client);
  void handle_input(Client& client);
  void note_progress(Client& client, std::size_t rest, bool handled);
  std::size_t handle_packets(Client& client, std::string_view in);
  std::size_t handle_answers(Client& client, std::string_view in);
  void handle_packet(Client& client, PublishGate::Passage passage, std::size_t size);
  void refuse_bytes(Client& client, bool is_mqtt);

  Stages& stages_;
  TurnShare& share_;
  ReadingPause& pause_;
  PublishGate& gate_;
  Dispatch& dispatch_;
  PacketWriter& writer_;
  const Turn& turn_;
  ClientCounters& counters_;
  mqtt::Packet packet_;  // reused for its capacity
};

}  // namespace tandemq::broker
