// Inside of State: what decide reads (const) and apply changes. Only broker/core includes this.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "broker/core/flat_table.h"
#include "broker/core/retained.h"
#include "broker/core/schedule.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "broker/core/subscriptions.h"

namespace tandemq::core {

struct State::Impl {
  explicit Impl(std::uint64_t table_seed);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // --- reading
  Session* find(SessionId id) const {
    return by_id.find(id, [id](const Session& session) { return session.id == id; });
  }
  Session* find_client(std::string_view client_id) const;
  std::vector<const Session*> durable_sessions() const;  // by identifier

  // --- applying; lsn 0: about volatile sessions, not in the journal. Records must be sound
  // (State::apply_encoded checks what came from outside, decide makes no others).
#define TMQ_X(number, kind, type, version) void apply(Lsn lsn, const type& r, Effects* out);
  TMQ_RECORD_KINDS(TMQ_X)
#undef TMQ_X

  // What is wrong with applying this record to this state; null when nothing is.
  const char* fault(const Record& record) const;

  // --- volatile links, primary only
  void attach(Session& session, ConnId conn, std::uint16_t window, std::uint32_t packet_size_max);
  void detach(Session& session);
  // The PUBLISH of a delivery in flight, as an effect.
  void emit_publish(const Session& session, const Delivery& delivery, bool dup, Effects& out) const;
  void emit_ack(const Session& session, EffectKind kind, std::uint16_t packet_id,
                mqtt::Reason reason, Effects& out) const;
  // Effects from now on wait for this record; 0: for none more.
  void note(Lsn lsn) {
    if (lsn != 0) last_lsn = lsn;
  }

  // --- time
  // When the session's will is due, when the session ends; 0: never, or not while it is connected.
  static TimeMs will_due(const Session& session);
  static TimeMs session_end(const Session& session);
  static TimeMs next_due(const Session& session);
  // Puts the session into the schedule if it is due earlier than the schedule knows.
  void reschedule(Session& session);
  // The top of the schedule has been popped and handled: put the session in anew.
  void reschedule_after_pop(Session& session);

  // --- restoring rows (rows.cpp)
  Session& add_session(SessionId id, std::string_view client_id);
  void restore_delivery(Session& session, const DeliveryRow& row);

  struct Restorer final : RowVisitor {
    explicit Restorer(Impl& impl) : impl(impl) {}
    void meta(const MetaRow& row) override;
    void session(const SessionRow& row) override;
    void subscription(const SubscriptionRow& row) override;
    void delivery(const DeliveryRow& row) override;
    void inbound(const InboundRow& row) override;
    void retained(const RetainedRow& row) override;
    Impl& impl;
    Session* last = nullptr;  // rows come by session
    Session& find(SessionId id);
  };

  std::uint64_t seed;
  FlatTable<Session> by_id;  // owned
  FlatTable<Session> by_client;
  Subscriptions subscriptions;
  Retained retained;
  Schedule schedule;

  Lsn last_lsn = 0;
  Epoch epoch = 0;
  TimeMs time = 0;
  SessionId next_session = 1;
  SessionId next_volatile = kVolatileBit | 1;

  std::uint64_t connected = 0;
  std::uint64_t queued = 0;
  std::uint64_t queued_bytes = 0;
  ReignFigures reign;                     // volatile
  mutable std::uint64_t plan_serial = 0;  // of the last message whose way was decided

  Record decoded;  // scratch of apply_encoded
  Restorer restorer{*this};

 private:
  void note_time(TimeMs at) {
    if (at > time) time = at;
  }
  Session& require(SessionId id) const;
  void deliver(const Target& target, const MessageRef& message, Effects* out);
  void finish(Session& session, std::size_t index);
  void remove(Session& session);
  void take_off_queue(Session& session, const Delivery& delivery);
};

}  // namespace tandemq::core
