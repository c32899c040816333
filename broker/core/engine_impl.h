// Inside of Engine: the scratch objects that decide fills, and how a decision becomes record, new
// state and effects. One decide_*.cpp for each kind of command.
#pragma once

#include <memory>
#include <string>

#include "broker/core/engine.h"
#include "broker/core/record_codec.h"
#include "broker/core/route_plan.h"
#include "broker/core/state_impl.h"

namespace tandemq::core {

// A message to distribute, and the facts that go into the same record.
struct Publication {
  MessageFields fields;
  const Session* publisher = nullptr;  // for no-local
  std::uint16_t inbound_id = 0;        // QoS 2: to remember
  bool is_will = false;                // of `publisher`
  RetainAction retain = RetainAction::none;
};

struct Engine::Impl {
  Impl(State& state_, RecordSink& sink_, const Limits& limits_, const Permissions* permissions_)
      : s(state_.impl()), sink(sink_), limits(limits_), permissions(permissions_) {
    if (permissions) revision = permissions->revision();
  }

  // Writes the record to the sink if it is about a durable session, and applies it.
  template <class R>
  void commit(SessionId about, const R& record, Effects* out) {
    Lsn lsn = 0;
    if (!is_volatile(about)) {
      body.clear();
      if constexpr (kHasGrown<R>) {
        encode_body(body, record, sink.writes(kind_of_body(record)));
      } else {
        encode_body(body, record);
      }
      lsn = sink.append(kind_of_body(record), body);
    }
    s.apply(lsn, record, out);
  }

  // The session that this connection speaks for, or null.
  Session* attached(Origin from) const {
    Session* session = s.find(from.session);
    return session && session->link.conn == from.conn && !session->link.closing ? session : nullptr;
  }
  RouteRules rules() const { return {s, limits, permissions, revision}; }

  // Sends DISCONNECT and lets the connection do nothing more.
  void refuse(Session& session, mqtt::Reason reason, Effects& out);

  // decide_publish.cpp. Returns the number of receivers.
  std::size_t distribute(const Publication& publication, TimeMs now, Effects& out);
  // To the routes of `plan`.
  void put_up(const Publication& publication, const MessageRef& message, TimeMs now, Effects& out);
  void emit_at_once(const Session& session, const MessageRef& message, std::size_t route,
                    Effects& out);
  void plan_target(std::size_t route, const Message& message);
  // The topic that a PUBLISH means, its alias resolved; false after a refusal.
  bool resolve_topic(Session& session, const mqtt::Publish& packet, std::string_view& topic,
                     Effects& out);
  mqtt::Reason check_publish(const Session& session, std::string_view topic);
  RetainAction decide_retain(const MessageFields& fields);

  // decide_send.cpp: the session's window has room, or may have.
  void pump(Session& session, TimeMs now, Effects& out);
  void resend(Session& session, bool with_pubrels, Effects& out);
  void revoke(const Session& session, std::uint16_t packet_id, bool resent, Effects& out);

  // decide_leftovers.cpp
  bool pass_on_leftovers(const Session& session, TimeMs now, Effects& out);

  // wills.cpp
  void publish_will(Session& session, TimeMs now, Effects& out);

  // decide_connect.cpp
  bool end_session(Session& session, TimeMs now, bool publish_will, Effects& out);
  void close_session(Session& session, std::uint32_t expiry_s, bool drop_will, TimeMs now,
                     Effects& out);
  void refuse_connect(ConnId conn, mqtt::Reason reason, Effects& out);
  // Deals with the session that the client id has already; true when the newcomer goes on with it.
  bool settle_old(Session& old, bool clean_start, TimeMs now, Effects& out);
  SessionId free_session_id(bool durable) const;

  // decide_subscribe.cpp
  mqtt::Reason check_filter(const Session& session, const mqtt::SubscribeFilter& filter,
                            std::size_t added) const;
  void send_retained(Session& session, const Message& message, const RetainedFeed::Filter& filter,
                     RetainedQueued& record, Effects& out);
  void end_feed(const Session& session, RetainedFeed& feed, std::size_t begun, Effects& out);

  // decide_expiry.cpp: both return the number of records written.
  std::size_t expire_session(Session& session, TimeMs now, Effects& out);
  std::size_t expire_queued(Session& session, TimeMs now);

  State::Impl& s;
  RecordSink& sink;
  const Limits& limits;
  const Permissions* permissions;  // null: all allowed
  std::uint32_t revision = 1;      // of its rules
  EngineCounters counters;

  // Scratch, so that nothing is allocated for the common packets.
  std::string body;
  RoutePlan plan;
  Published durable;
  Published ephemeral;
  Target target;
  Sent sent;
  Dropped dropped;
  Subscribed subscribed;
};

}  // namespace tandemq::core
