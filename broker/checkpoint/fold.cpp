#include "broker/checkpoint/fold.h"

#include <algorithm>

#include "broker/checkpoint/checkpoint.h"
#include "broker/core/record_codec.h"

namespace tandemq::broker::checkpoint {

using core::SessionId;

namespace {

// What a table's entry takes beside what it points to.
constexpr std::size_t kSessionMemory = sizeof(FoldSession) + 150;
constexpr std::size_t kRetainedMemory = sizeof(FoldRetained) + 80;
constexpr std::size_t kAccountMemory = sizeof(core::Account) + 100;

}  // namespace

Fold::Fold(RowSource& rows, const core::MetaRow& meta) : rows_(rows), meta_(meta) {}

Status Fold::add(Lsn lsn, core::Kind kind, std::string_view body, std::uint8_t version) {
  // The replicator's own records say nothing about rows, but for a reign's beginning.
  const bool ours = kind == core::Kind::reign_began || kind >= core::Kind::session_opened;
  if (ours) {
    if (!core::decode_body(kind, body, record_, version)) {
      return Error{
          "journal record " + std::to_string(lsn) + " of kind " +
          std::to_string(static_cast<unsigned>(kind)) +
          " cannot be read by this version: use the version that wrote it, or a newer one"};
    }
    std::visit([&](const auto& record) { apply(lsn, record); }, record_);
    if (fault_) {
      return Error{"journal record " + std::to_string(lsn) + " (" + core::describe(record_) +
                       ") does not fit the checkpoint: " + fault_ +
                       "; this node has to be synchronised from its peer or from a backup",
                   kCheckpointDamaged};
    }
  }
  meta_.lsn = lsn;
  return Done{};
}

void Fold::see_time(TimeMs time) {
  meta_.time = std::max(meta_.time, time);
}

FoldSession* Fold::require(SessionId id) {
  FoldSession* session = touch(id);
  if (!session) fault_ = "there is no such session";
  return session;
}

FoldSession* Fold::touch(SessionId id) {
  const auto [at, is_new] = sessions_.try_emplace(id);
  FoldSession& session = at->second;
  if (is_new) memory_ += kSessionMemory;
  if (is_new && rows_.session(id, session)) {
    session.stored = session.exists = true;
    session.fresh_first = session.fresh_queue = session.row.next_sequence;
  }
  return session.exists ? &session : nullptr;
}

FoldRetained& Fold::touch_retained(std::string_view topic) {
  auto at = retained_.find(topic);
  if (at == retained_.end()) {
    at = retained_.emplace(topic, FoldRetained{}).first;
    memory_ += kRetainedMemory + topic.size();
    at->second.stored = at->second.message = rows_.retained(topic);
  }
  return at->second;
}

void Fold::set_retained(std::string_view topic, Lsn message, const core::MessageRef& body) {
  FoldRetained& retained = touch_retained(topic);
  if (retained.message && !retained.body) --message_refs_[retained.message];
  if (retained.body) memory_ -= retained.body->footprint();
  retained.message = message;
  retained.body = body;
  if (body) memory_ += body->footprint();
}

void Fold::apply(Lsn, const core::ReignBegan& r) {
  meta_.epoch = r.epoch;
  see_time(r.time);
  for (SessionId id : rows_.open_sessions()) touch(id);
  for (auto& [id, session] : sessions_) {
    if (!session.exists || (!session.row.connected && !session.row.orphaned)) continue;
    session.row.connected = false;
    session.row.orphaned = true;
    session.row.closed_at = r.time;
    session.changed = true;
  }
}

FoldSession* Fold::create(SessionId id) {
  if (touch(id) || sessions_[id].stored) {
    fault_ = "opens a session that exists already";
    return nullptr;
  }
  FoldSession& session = sessions_[id];
  session.exists = true;
  session.row = {};
  session.row.session = id;
  session.fresh_first = session.fresh_queue = session.row.next_sequence;
  session.old_queue_done = true;
  const SessionId next = id + 1;
  meta_.next_session = core::is_volatile(next) || next == core::kNoSession ? 1 : next;
  return &session;
}

void Fold::apply(Lsn, const core::SessionOpened& r) {
  see_time(r.time);
  FoldSession* session = r.resumed ? require(r.session) : create(r.session);
  if (!session) return;
  if (!r.resumed) session->client_id = r.client_id;
  session->username = r.username;
  session->listener = r.listener;
  core::SessionRow& row = session->row;
  row.client_id = session->client_id;
  row.username = session->username;
  row.listener = session->listener;
  row.version = r.version;
  row.keep_alive_s = r.keep_alive_s;
  row.expiry_s = r.expiry_s;
  row.connected = true;
  row.orphaned = false;
  row.closed_at = 0;
  row.has_will = r.has_will;
  row.will = r.will;
  session->changed = session->will_changed = true;
}

void Fold::apply(Lsn, const core::SessionClosed& r) {
  see_time(r.time);
  FoldSession* session = require(r.session);
  if (!session) return;
  session->row.connected = false;
  session->row.orphaned = false;
  session->row.closed_at = r.time;
  session->row.expiry_s = r.expiry_s;
  session->changed = true;
  if (r.drop_will) {
    session->row.has_will = false;
    session->row.will = {};
    session->will_changed = true;
  }
}

#ifdef TANDEMQ_NEXT
void Fold::apply(Lsn, const core::Noted& r) {
  see_time(r.time);
}
#endif

void Fold::apply(Lsn, const core::SessionRemoved& r) {
  FoldSession* session = require(r.session);
  if (!session) return;
  session->exists = false;
  session->row.has_will = false;
  session->row.will = {};
  // Rows of this window go unwritten; those of the file are found there when the change is written
  // (`old` says which of them have let go of their message already).
  for (FoldDelivery& delivery : session->fresh) release_message(delivery);
  session->fresh.clear();
  session->in_flight = {};
  session->subscriptions.clear();
  session->inbound.clear();
}

void Fold::apply(Lsn, const core::Subscribed& r) {
  FoldSession* session = require(r.session);
  if (!session) return;
  for (const core::SubscriptionFields& fields : r.subscriptions) {
    FoldSession::Filter filter{fields};
    filter.fields.filter = {};
    session->subscriptions[std::string(fields.filter)] = filter;
  }
}

void Fold::apply(Lsn, const core::Unsubscribed& r) {
  FoldSession* session = require(r.session);
  if (!session) return;
  for (std::string_view filter : r.filters) session->subscriptions[std::string(filter)].reset();
}

void Fold::apply(Lsn lsn, const core::Published& r) {
  see_time(r.time);
  if (r.retain == core::RetainAction::store) {
    set_retained(r.message->topic(), lsn, r.message);
  } else if (r.retain == core::RetainAction::clear) {
    set_retained(r.message->topic(), 0, {});
  }
  if (r.moved_from != core::kNoSession) {
    FoldSession* from = require(r.moved_from);
    if (!from) return;
    drop_queued(*from, r.moved_sequence);
  }
  const std::size_t memory = r.message->footprint() / std::max<std::size_t>(r.targets.size(), 1);
  for (const core::Target& target : r.targets) {
    if (FoldSession* session = require(target.session)) {
      put(*session, target, lsn, r.message, memory);
    }
  }
  if (r.publisher == core::kNoSession) return;
  FoldSession* publisher = require(r.publisher);
  if (!publisher) return;
  if (r.inbound_id) publisher->inbound[r.inbound_id] = true;
  if (r.is_will) {
    publisher->row.has_will = false;
    publisher->row.will = {};
    publisher->will_changed = true;
  }
}

void Fold::apply(Lsn, const core::RetainedExpired& r) {
  if (!touch_retained(r.topic).message) return void(fault_ = "nothing is retained for the topic");
  set_retained(r.topic, 0, {});
}

void Fold::apply(Lsn, const core::WillSettled& r) {
  FoldSession* session = require(r.session);
  if (!session) return;
  session->row.has_will = false;
  session->row.will = {};
  session->will_changed = true;
}

void Fold::apply(Lsn, const core::AccountSet& r) {
  if (r.exists) return keep_account(r.account);
  accounts_[{r.account.kind, std::string(r.account.name)}].reset();
}

void Fold::keep_account(const core::AccountFields& fields) {
  core::Account account{fields.enabled, std::string(fields.password), {}};
  account.lines.assign(fields.lines.begin(), fields.lines.end());
  accounts_[{fields.kind, std::string(fields.name)}] = std::move(account);
  memory_ += kAccountMemory + fields.name.size() + fields.password.size();
  for (std::string_view line : fields.lines) memory_ += sizeof(std::string) + line.size();
}

void Fold::apply(Lsn, const core::Released& r) {
  FoldSession* session = require(r.session);
  if (!session) return;
  core::each_packet_id(r, [&](std::uint16_t id) { session->inbound[id] = false; });
}

}  // namespace tandemq::broker::checkpoint
