// Engine: runs decide and apply for the primary. Pure: no clock, I/O, randomness or logging; time
// and connection numbers come in with each call.
//
// A call decides on the present state, appends the durable records it decided on to the sink,
// applies them at once, and appends their effects to `out`, each marked with the LSN it waits for:
// the last durable record appended before it for anything above QoS 0, 0 for what may go at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "broker/core/denials.h"
#include "broker/core/effects.h"
#include "broker/core/engine_counters.h"
#include "broker/core/grants.h"
#include "broker/core/limits.h"
#include "broker/core/origin.h"
#include "broker/core/record_sink.h"
#include "broker/core/retained_feed.h"
#include "broker/core/state.h"
#include "broker/mqtt/ack_run.h"
#include "broker/mqtt/packet.h"

namespace tandemq::core {

struct ConnectRequest {
  ConnId conn = 0;
  const mqtt::Connect& packet;          // authenticated by the shell already
  std::string_view assigned_client_id;  // to use when the packet's is empty
  std::string_view listener = {};       // that the client came in by
  // What this log-in may do beside the rules, until the next one; null: as they say. Only of an
  // engine with Permissions.
  GrantsRef grants = {};
};

// How the reign began for the clients of the one before it.
struct ReignFigures {
  std::uint64_t sessions_before = 0;  // durable sessions that were connected
  std::uint64_t sessions_back = 0;    // of them, whose clients have connected again
};

class Engine {
 public:
  // One reign's, made when the state has applied its ReignBegan. All outlive the engine;
  // permissions may be null: all allowed.
  Engine(State& state, RecordSink& sink, const Limits& limits, const Permissions* permissions,
         EngineCounters& counters);
  ~Engine();

  // Commands of a connection that its session does not have any more (taken over, refused, gone)
  // are ignored. After a `disconnect` or `close` effect the shell still calls disconnected(),
  // except where noted.

  // Returns the seat that further commands of this connection name, or kNoSeat when refused (the
  // refusal and the closing are in `out`). A connection that this one takes over gets its
  // DISCONNECT 0x8E and close through `out`; the shell then must not call disconnected() for it.
  SeatId connect(const ConnectRequest& request, TimeMs now, Effects& out);

  void publish(Origin from, const mqtt::Publish& packet, TimeMs now, Effects& out);
  // One with QoS 0 that is not taken: of it, its topic alias holds.
  void discard(Origin from, const mqtt::Publish& packet, Effects& out);
  // PUBACK, PUBREC, PUBREL or PUBCOMP.
  void answer(Origin from, mqtt::PacketType type, const mqtt::Ack& packet, TimeMs now,
              Effects& out);
  // The same as one after another.
  void answers(Origin from, const mqtt::AckRun& run, TimeMs now, Effects& out);
  // Retained messages that the new subscriptions are to be sent are left in the feed; null: none.
  // The shell calls feed() until it is done before it gives the connection's next command.
  [[nodiscard]] std::unique_ptr<RetainedFeed> subscribe(Origin from, const mqtt::Subscribe& packet,
                                                        TimeMs now, Effects& out);
  // Sends some of them: looks at `budget` topics at most, long messages count more. True when done.
  [[nodiscard]] bool feed(RetainedFeed& feed, std::size_t budget, TimeMs now, Effects& out);
  // The client has said something else since its feed was done: nothing is owed any more.
  void fed(const RetainedFeed& feed, Effects& out);
  void unsubscribe(Origin from, const mqtt::Unsubscribe& packet, TimeMs now, Effects& out);
  // A DISCONNECT packet; ends the attachment like disconnected() does. False when it was refused
  // (protocol error; effects in `out`).
  bool disconnect(Origin from, const mqtt::Disconnect& packet, TimeMs now, Effects& out);
  // The connection is gone without DISCONNECT (socket, keep alive, protocol error).
  void disconnected(Origin from, TimeMs now, Effects& out);

  // While memory is tight: new sessions, subscriptions and retained topics are refused (0x97).
  void refuse_growth(bool on);

  // The rules have changed: all rights are decided anew, each session's when it is next asked
  // about.
  void rules_changed();
  // What is put up already waits for commit: the shell asks once more before it sends it, and
  // withdraws what the client may not have any more. `resent`: it may have it from an earlier
  // connection.
  bool may_deliver(SeatId seat, std::string_view topic) const;
  void withdraw(Origin from, std::uint16_t packet_id, bool resent, TimeMs now, Effects& out);
  // That is attached to the session of this client id; 0: none.
  ConnId connection_of(std::string_view client_id) const;
  // Whose session it is, "" for an anonymous client's; valid until the next command.
  std::string_view user_of(SeatId seat) const;

  // A user or role as State::accounts has it. An error says why in a sentence, and nothing has
  // changed; else the last record is the change's.
  [[nodiscard]] Status change_account(const AccountOrder& order, Effects& out);

  // A message of the broker's own ($SYS, replayed quarantine).
  void publish_own(const MessageFields& fields, bool retain, TimeMs now, Effects& out);

  // Expiry of sessions, wills, queued and retained messages that are due. Does at most `budget`
  // records a call; returns when it wants to be called next (a time, 0: nothing scheduled).
  TimeMs expire(TimeMs now, std::size_t budget, Effects& out);

  const ReignFigures& reign_figures() const;
  std::vector<Denial> take_denials();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandemq::core
