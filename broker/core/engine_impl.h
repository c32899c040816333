// Inside of Engine: the state, which decide only reads, what the primary keeps beside it, and how a
// decision becomes record, new state and effects. One decide_*.cpp for each kind of command.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include "broker/core/committer.h"
#include "broker/core/denials.h"
#include "broker/core/engine.h"
#include "broker/core/route_plan.h"
#include "broker/core/schedule.h"
#include "broker/core/seats.h"
#include "broker/core/share_turns.h"
#include "broker/core/state_impl.h"

namespace tandemq::core {

// A message to distribute, and the facts that go into the same record.
struct Publication {
  MessageFields fields;
  const Session* publisher = nullptr;  // for no-local
  std::uint16_t inbound_id = 0;        // QoS 2: to remember
  bool is_will = false;                // of `publisher`
  RetainAction retain = RetainAction::none;
  SessionId moved_from = kNoSession;  // durable, ends: its delivery goes to others by this
  std::uint64_t moved_sequence = 0;
};

struct Engine::Impl {
  Impl(State& state, RecordSink& sink, const Limits& limits, const Permissions* permissions,
       EngineCounters& counters);

  template <class R>
  void commit(SessionId about, const R& record, Effects& out) {
    committer.commit(about, record, Audience{seats, out});
  }
  void drop(const Dropped& all, Effects& out);

  // The seat of the session that this connection speaks for, or null.
  Seat* attached(Origin from) {
    Seat& seat = seats[from.seat];
    const bool speaks = seat.attachment.conn == from.conn && !seat.attachment.closing;
    return speaks ? &seat : nullptr;
  }
  void attach(Seat& seat, ConnId conn, std::uint16_t window, std::uint32_t packet_size_max);
  static void detach(Seat& seat) { seat.attachment = {}; }

  void tell(const Seat& seat, EffectKind kind, std::uint16_t packet_id, mqtt::Reason reason,
            Effects& out) const {
    emit_ack(seat.attachment.conn, kind, packet_id, reason, s.last_lsn, out);
  }
  // Sends DISCONNECT and lets the connection do nothing more.
  void refuse(Seat& seat, mqtt::Reason reason, Effects& out);

  // Puts the session into the schedule if it is due earlier than the schedule knows.
  void reschedule(Seat& seat);
  // The message goes into the session's queue.
  void will_wait(Seat& seat, const Message& message);
  void remove_session(const Session& session, Effects& out);

  // decide_acks.cpp
  bool take_answer(Seat& seat, mqtt::PacketType type, std::uint16_t packet_id);
  void settle(Seat& seat, mqtt::PacketType type, std::uint16_t first, TimeMs now, Effects& out);
  void refused(Seat& seat, std::uint16_t packet_id, TimeMs now, Effects& out);
  void unexpected(Seat& seat, mqtt::PacketType type, std::uint16_t packet_id, Effects& out);

  // decide_publish.cpp. Returns the number of receivers.
  std::size_t distribute(const Publication& publication, TimeMs now, Effects& out);
  // To the routes of `plan`.
  void put_up(const Publication& publication, const MessageRef& message, TimeMs now, Effects& out);
  void emit_at_once(Seat& seat, const MessageRef& message, std::size_t route, Lsn after,
                    Effects& out);
  void plan_target(Seat& seat, std::size_t route, const MessageRef& message, TimeMs now,
                   Effects& out);
  void drop_newest(const Session& session, const Message& message, Placement placement);
  // The oldest of the session's queue go for one so large, where that is the setting. False if not.
  bool replace_oldest(Seat& seat, std::size_t footprint, Effects& out);
  void commit_receivers(const Publication& publication, const MessageRef& message, TimeMs now,
                        Effects& out);
  // The topic that a PUBLISH means, its alias resolved; false after a refusal.
  bool resolve_topic(Seat& seat, const mqtt::Publish& packet, std::string_view& topic,
                     Effects& out);
  mqtt::Reason check_publish(const Session& session, std::string_view topic);
  RetainAction decide_retain(const MessageFields& fields);

  // decide_send.cpp: the session's window has room, or may have.
  void pump(Seat& seat, TimeMs now, Effects& out);
  void resend(Seat& seat, bool with_pubrels, Effects& out);
  void send_kept(Seat& seat, TimeMs now, Effects& out);
  // False when there is nothing to take back.
  bool take_back(const Session& session, std::uint16_t packet_id, bool resent, Effects& out);

  // decide_leftovers.cpp
  bool pass_on_leftovers(const Session& session, TimeMs now, Effects& out);

  // decide_share.cpp
  // Where one member outlives its connection, the sessions of all become durable.
  void keep_share(const ShareGroup& group, TimeMs now, Effects& out);
  void make_durable(Seat& seat, TimeMs now, Effects& out);

  // wills.cpp
  void publish_will(const Session& session, TimeMs now, Effects& out);

  // decide_connect.cpp
  bool end_session(const Session& session, TimeMs now, bool publish_will, Effects& out);
  void close_session(const Session& session, std::uint32_t expiry_s, bool drop_will, TimeMs now,
                     Effects& out);
  void refuse_connect(ConnId conn, mqtt::Reason reason, Effects& out, const char* why = "");
  // Deals with the session that the client id has already; true when the newcomer goes on with it.
  // Of the session that a newcomer's identifier has; `ending`: more of it is to be passed on than
  // one turn should do, expire() goes on with it.
  enum class Settled : std::uint8_t { resumed, gone, ending };
  Settled settle_old(const Session& old, bool clean_start, TimeMs now, Effects& out);
  SessionId free_session_id(bool durable) const;

  // decide_subscribe.cpp
  void subscribe_to(const Seat& seat, const mqtt::Subscribe& packet, RetainedFeed& feed,
                    Effects& out);
  mqtt::Reason check_filter(const Session& session, const mqtt::SubscribeFilter& filter,
                            std::size_t added) const;
  void keep_shares(const Seat& seat, const mqtt::Subscribe& packet,
                   const std::vector<mqtt::Reason>& codes, TimeMs now, Effects& out);
  bool has_retained(std::string_view filter) const;
  void name_filter(const SubscriptionFields& fields, Effects& out);
  void commit_filters(Effects& out);
  void send_retained(Seat& seat, const Message& message, const RetainedFeed::Filter& filter,
                     RetainedQueued& record, Effects& out);
  void end_feed(const Seat& seat, RetainedFeed& feed, std::size_t begun, Effects& out);

  // decide_expiry.cpp: both return the number of records written.
  std::size_t expire_session(Seat& seat, TimeMs now, Effects& out);
  std::size_t expire_queued(Seat& seat, TimeMs now, Effects& out);

  const State::Impl& s;
  const Limits& limits;
  EngineCounters& counters;
  Denials denials;
  void deny(Denial::What what, const Session& session, std::string_view topic) {
    denials.add(what, session.client_id, session.username, topic);
  }
  bool growth_refused = false;
  ReignFigures reign;
  Committer committer;
  Seats seats;
  Schedule schedule;
  ShareTurns turns;
  std::shared_ptr<RetainedCursors> cursors = std::make_shared<RetainedCursors>();
  RouteRules rules;

  // Scratch, so that nothing is allocated for the common packets.
  RoutePlan plan;
  std::size_t durable_bytes = 0;   // of durable.targets, about
  std::size_t retained_bytes = 0;  // of the RetainedQueued that is being filled, about
  Published durable;
  Published ephemeral;
  std::vector<std::size_t> at_once;  // routes with QoS 0 of a message that may make a record
  Target target;
  std::string further_ids;  // of the answers at hand
  Sent sent;
  Dropped dropped;
  Subscribed subscribed;
  std::size_t subscribed_bytes = 0;  // about
};

}  // namespace tandemq::core
