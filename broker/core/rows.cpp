// The state as rows, and back.
#include "broker/core/rows.h"

#include <algorithm>
#include <string>

#include "broker/base/check.h"
#include "broker/core/state_impl.h"
#include "broker/core/text_hash.h"

namespace tandemq::core {

namespace {

SessionRow row_of(const Session& session) {
  SessionRow row;
  row.session = session.id;
  row.client_id = session.client_id;
  row.username = session.username;
  row.listener = session.listener;
  row.version = session.version;
  row.keep_alive_s = session.keep_alive_s;
  row.expiry_s = session.expiry_s;
  row.connected = session.connected;
  row.orphaned = session.orphaned;
  row.closed_at = session.closed_at;
  row.next_sequence = session.next_sequence;
  row.next_packet_id = session.next_packet_id;
  row.has_will = session.will != nullptr;
  if (session.will) row.will = *session.will;
  return row;
}

void visit_subscriptions(const Session& session, bool sorted, RowVisitor& visitor) {
  struct Named {
    std::string composed;
    SubscriptionFields fields;
  };
  std::vector<Named> named(session.subscriptions.size());
  for (std::size_t i = 0; i < named.size(); ++i)
    named[i].fields = Subscriptions::fields_of(session.subscriptions[i], named[i].composed);
  std::vector<const Named*> order;
  order.reserve(named.size());
  for (const Named& one : named) order.push_back(&one);
  if (sorted)
    std::sort(order.begin(), order.end(),
              [](const Named* a, const Named* b) { return a->fields.filter < b->fields.filter; });
  for (const Named* one : order) visitor.subscription({session.id, one->fields});
}

void visit_deliveries(const Session& session, RowVisitor& visitor) {
  DeliveryRow row;
  row.session = session.id;
  for (std::size_t i = 0; i < session.queue.size(); ++i) {
    const Delivery& delivery = session.queue[i];
    row.sequence = delivery.sequence;
    row.stage = delivery.stage;
    row.packet_id = delivery.packet_id;
    row.qos = delivery.qos;
    row.retain = delivery.retain;
    row.subscription_ids.clear();
    if (delivery.detail) row.subscription_ids = delivery.detail->subscription_ids;
    row.message = delivery.message;
    visitor.delivery(row);
  }
}

void visit_session(const Session& session, bool sorted, RowVisitor& visitor) {
  visitor.session(row_of(session));
  visit_subscriptions(session, sorted, visitor);
  visit_deliveries(session, visitor);
  for (std::uint16_t id : session.inbound.ids()) visitor.inbound({session.id, id});
}

void visit_accounts(const Accounts& accounts, RowVisitor& visitor) {
  for (const AccountKind kind : {AccountKind::user, AccountKind::role}) {
    for (const auto& [name, account] : accounts.of(kind)) {
      AccountFields row{kind, name, account.enabled, account.password, {}};
      row.lines.assign(account.lines.begin(), account.lines.end());
      visitor.account(row);
    }
  }
}

// Folds rows into a sum, so that their order does not matter.
class HashVisitor final : public RowVisitor {
 public:
  void meta(const MetaRow& row) override { add(1, row.lsn, row.epoch, row.time, row.next_session); }
  void session(const SessionRow& row) override {
    std::uint64_t texts = text(row.client_id, text(row.username, text(row.listener, row.version)));
    if (row.has_will)
      texts = mix(texts, message(row.will.message), row.will.delay_s, row.will.message_expiry_s,
                  row.will.has_message_expiry);
    add(2, row.session, texts, row.keep_alive_s, row.expiry_s, row.connected, row.orphaned,
        row.closed_at, row.next_sequence, row.next_packet_id, row.has_will);
  }
  void subscription(const SubscriptionRow& row) override {
    const SubscriptionFields& f = row.fields;
    add(3, row.session, text(f.filter, f.qos), f.no_local, f.retain_as_published, f.retain_handling,
        f.identifier, f.retained_owed);
  }
  void delivery(const DeliveryRow& row) override {
    std::uint64_t ids = row.subscription_ids.size();
    for (std::uint32_t id : row.subscription_ids) ids = mix(ids, id);
    add(4, row.session, row.sequence, static_cast<std::uint64_t>(row.stage), row.packet_id, row.qos,
        row.retain, ids, message(row.message));
  }
  void inbound(const InboundRow& row) override { add(5, row.session, row.packet_id); }
  void retained(const RetainedRow& row) override { add(6, message(row.message)); }
  void account(const AccountFields& row) override {
    std::uint64_t texts = text(row.name, text(row.password, row.lines.size()));
    for (std::string_view line : row.lines) texts = text(line, texts);
    add(7, static_cast<std::uint64_t>(row.kind), row.enabled, texts);
  }

  std::uint64_t sum() const { return sum_; }

 private:
  static std::uint64_t text(std::string_view value, std::uint64_t seed) {
    return hash_text(value, seed + 0x5bd1e995u);
  }
  template <class... More>
  static std::uint64_t mix(std::uint64_t first, More... more) {
    std::uint64_t hash = first;
    ((hash = mix64(hash ^ 0xa0761d6478bd642fu,
                   static_cast<std::uint64_t>(more) ^ 0xe7037ed1a0b428dbu)),
     ...);
    return hash;
  }
  static std::uint64_t message(const MessageRef& m) {
    if (!m) return 0;
    const std::uint64_t texts = text(m->topic(), text(m->properties(), text(m->payload(), 1)));
    return mix(texts, m->qos(), m->retain(), m->expires_at());
  }
  template <class... Fields>
  void add(std::uint64_t kind, Fields... fields) {
    sum_ += mix(kind, fields...);
  }
  std::uint64_t sum_ = 0;
};

}  // namespace

void State::each_row(RowVisitor& visitor) const {
  visitor.meta(meta());
  for (const Session* session : impl_->durable_sessions()) visit_session(*session, true, visitor);
  std::vector<const Message*> messages;
  messages.reserve(impl_->retained.size());
  impl_->retained.all(messages);
  std::sort(messages.begin(), messages.end(),
            [](const Message* a, const Message* b) { return a->topic() < b->topic(); });
  for (const Message* message : messages) visitor.retained({MessageRef(message)});
  visit_accounts(impl_->accounts, visitor);
}

std::uint64_t State::hash() const {
  HashVisitor visitor;
  visitor.meta(meta());
  impl_->each_session([&visitor](const Session& session) {
    if (!is_volatile(session.id)) visit_session(session, false, visitor);
  });
  std::vector<const Message*> messages;
  messages.reserve(impl_->retained.size());
  impl_->retained.all(messages);
  for (const Message* message : messages) visitor.retained({MessageRef(message)});
  visit_accounts(impl_->accounts, visitor);
  return visitor.sum();
}

Session& State::Impl::Restorer::find(SessionId id) {
  if (!last || last->id != id) last = &impl.require(id);
  return *last;
}

void State::Impl::Restorer::meta(const MetaRow& row) {
  impl.last_lsn = row.lsn;
  impl.epoch = row.epoch;
  impl.time = row.time;
  impl.next_session = row.next_session;
}

void State::Impl::Restorer::session(const SessionRow& row) {
  Session& session = impl.add_session(row.session, row.client_id);
  session.username = row.username;
  session.listener = row.listener;
  session.version = row.version;
  session.keep_alive_s = row.keep_alive_s;
  session.expiry_s = row.expiry_s;
  session.connected = row.connected;
  session.orphaned = row.orphaned;
  session.closed_at = row.closed_at;
  session.next_sequence = row.next_sequence;
  session.next_packet_id = row.next_packet_id;
  if (row.has_will) session.will = std::make_unique<const WillRecord>(row.will);
  impl.connected += row.connected;
  last = &session;
}

void State::Impl::Restorer::subscription(const SubscriptionRow& row) {
  impl.subscriptions.add(find(row.session), row.fields);
}

void State::Impl::Restorer::delivery(const DeliveryRow& row) {
  impl.restore_delivery(find(row.session), row);
}

void State::Impl::Restorer::inbound(const InboundRow& row) {
  find(row.session).inbound.insert(row.packet_id);
}

void State::Impl::Restorer::retained(const RetainedRow& row) {
  impl.retained.store(row.message);
}

void State::Impl::restore_delivery(Session& session, const DeliveryRow& row) {
  Delivery& delivery = session.queue.push();
  delivery.message = row.message;
  delivery.sequence = row.sequence;
  delivery.qos = row.qos;
  delivery.retain = row.retain;
  if (!row.subscription_ids.empty()) {
    EffectDetail detail;
    detail.subscription_ids = row.subscription_ids;
    delivery.detail = share(std::move(detail));
  }
  ++queued;
  if (row.message) queued_bytes += row.message->footprint();
  if (row.stage == DeliveryStage::queued) {
    session.queued_bytes += row.message->footprint();
    session.keeps_qos0 |= row.qos == 0;
    const TimeMs expires_at = row.message->expires_at();
    if (expires_at == 0) return;
    if (session.queue_expiry_min == 0 || expires_at < session.queue_expiry_min)
      session.queue_expiry_min = expires_at;
    return;
  }
  TMQ_CHECK(session.queue.queued() == 1);
  session.queue.begin_flight(row.packet_id).stage = row.stage;
}

}  // namespace tandemq::core
