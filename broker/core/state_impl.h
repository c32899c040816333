// Inside of State: what decide reads (const, by the types) and apply changes. Only broker/core
// includes this.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "broker/base/check.h"
#include "broker/core/audience.h"
#include "broker/core/flat_table.h"
#include "broker/core/retained.h"
#include "broker/core/session.h"
#include "broker/core/slots.h"
#include "broker/core/state.h"
#include "broker/core/subscriptions.h"

namespace tandemq::core {

struct State::Impl {
  explicit Impl(std::uint64_t table_seed);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // --- reading
  const Session* find(SessionId id) const {
    return by_id.find(id, [id](const Session& session) { return session.id == id; });
  }
  const Session* find_client(std::string_view client_id) const;
  // In no particular order.
  template <class Visit>
  void each_session(Visit&& visit) const {
    by_id.each([&visit](const Session& session) { visit(session); });
  }
  std::size_t session_count() const { return by_id.size(); }
  std::vector<const Session*> durable_sessions() const;  // by identifier

  // --- applying; lsn 0: about volatile sessions, not in the journal. Records must be sound
  // (State::apply_encoded checks what came from outside, decide makes no others).
#define TMQ_X(number, kind, type, version) void apply(Lsn lsn, const type& r, const Audience* to);
  TMQ_RECORD_KINDS(TMQ_X)
#undef TMQ_X

  // Applies a record from outside if it can be read and fits this state. What is wrong with it;
  // null when nothing is.
  const char* apply_encoded(Lsn lsn, Kind kind, std::string_view body, std::uint8_t version);
  // Names a session of Published: whether the same record named it before.
  bool seen_in_check(SessionId id);

  // Effects from now on wait for this record; 0: for none more.
  void note(Lsn lsn) {
    if (lsn == 0) return;
    TMQ_CHECK(lsn > last_lsn);
    last_lsn = lsn;
  }

  // --- restoring rows (rows.cpp)
  Session& add_session(SessionId id, std::string_view client_id);
  void restore_delivery(Session& session, const DeliveryRow& row);
  void keep_account(const AccountFields& fields);

  struct Restorer final : RowVisitor {
    explicit Restorer(Impl& impl) : impl(impl) {}
    void meta(const MetaRow& row) override;
    void session(const SessionRow& row) override;
    void subscription(const SubscriptionRow& row) override;
    void delivery(const DeliveryRow& row) override;
    void inbound(const InboundRow& row) override;
    void retained(const RetainedRow& row) override;
    void account(const AccountFields& row) override { impl.keep_account(row); }
    Impl& impl;
    Session* last = nullptr;  // rows come by session
    Session& find(SessionId id);
  };

  std::uint64_t seed;
  Subscriptions subscriptions;
  Retained retained;
  Accounts accounts;

  Lsn last_lsn = 0;
  Epoch epoch = 0;
  TimeMs time = 0;
  SessionId next_session = 1;
  SessionId next_volatile = kVolatileBit | 1;

  std::uint64_t connected = 0;
  std::uint64_t queued = 0;
  std::uint64_t queued_bytes = 0;

  // Scratch of apply_encoded, one of each kind: their vectors keep their capacity.
  struct {
#define TMQ_X(number, kind, type, version) type kind;
    TMQ_RECORD_KINDS(TMQ_X)
#undef TMQ_X
  } decoded;
  Restorer restorer{*this};

 private:
  void note_time(TimeMs at) {
    if (at > time) time = at;
  }
  Session* find(SessionId id) {
    return by_id.find(id, [id](const Session& session) { return session.id == id; });
  }
  Session& require(SessionId id) {
    Session* session = find(id);
    TMQ_CHECK(session != nullptr);
    return *session;
  }
  void deliver(const Target& target, const MessageRef& message, const Audience* to);
  void finish(Session& session, std::size_t index);
  template <class R>
  void finish_all(Lsn lsn, const R& r);
  void remove(Session& session);
  void take_off_queue(Session& session, const Delivery& delivery);
  void drop_queued(Session& session, std::uint64_t sequence);
  void forget_bytes(std::uint64_t bytes) {
    TMQ_CHECK(queued_bytes >= bytes);
    queued_bytes -= bytes;
  }

  FlatTable<Session> by_id;  // owned
  FlatTable<Session> by_client;
  Slots seats;
  std::uint64_t checks = 0;  // records that apply_encoded has looked at
};

}  // namespace tandemq::core
