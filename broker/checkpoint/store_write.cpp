// Writing a fold's net changes. Deletions go before changes and changes before insertions, session
// by session, so that a packet identifier that was used again is never in the index twice.
#include <algorithm>

#include "broker/checkpoint/store.h"
#include "broker/checkpoint/store_statements.h"

namespace tandemq::broker::checkpoint {

using core::SessionId;

namespace {

// Pointers to the entries of an unordered map, by key: rows that are neighbours in the file are
// written one after the other, and a run can be repeated.
template <class Map>
std::vector<const typename Map::value_type*> by_key(const Map& map) {
  std::vector<const typename Map::value_type*> entries;
  entries.reserve(map.size());
  for (const auto& entry : map) entries.push_back(&entry);
  std::sort(entries.begin(), entries.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  return entries;
}

void bind_message(sql::Statement& write, const core::MessageFields& fields) {
  write.bind_text(fields.topic)
      .bind_blob(fields.payload)
      .bind_blob(fields.properties)
      .bind(fields.qos)
      .bind(fields.retain)
      .bind(fields.expires_at);
}

}  // namespace

Result<std::uint64_t> Store::commit(const Fold& fold) {
  next_ = head_;
  next_.meta = fold.meta();
  written_ = 0;
  Refs refs = fold.message_refs();
  Bodies bodies;
  for (const auto* entry : by_key(fold.sessions())) write_session(entry->second, refs, bodies);
  write_retained(fold, bodies);
  write_accounts(fold);
  write_messages(bodies);
  write_message_refs(refs);
  write_head(db_, next_);
  db_.run("COMMIT");
  if (!db_.ok()) return db_.error();
  head_ = next_;
  return written_;
}

void Store::write_session(const FoldSession& session, Refs& refs, Bodies& bodies) {
  if (!session.exists) {
    if (session.stored) remove_session(session, refs);
    return;
  }
  if (session.changed) {
    const core::SessionRow& row = session.row;
    writes_->session.bind(row.session)
        .bind_text(row.client_id)
        .bind_text(row.username)
        .bind_text(row.listener)
        .bind(row.version)
        .bind(row.keep_alive_s)
        .bind(row.expiry_s)
        .bind(row.connected)
        .bind(row.orphaned)
        .bind(row.closed_at)
        .bind(row.next_sequence)
        .bind(row.next_packet_id)
        .bind(sum_of(row));
    written_ += writes_->session.run();
    if (!session.stored) ++next_.rows.sessions;
  }
  if (session.will_changed) write_will(session);
  write_filters(session);
  write_deliveries(session, bodies);
}

void Store::remove_session(const FoldSession& session, Refs& refs) {
  const SessionId id = session.row.session;
  writes_->messages_of.bind(id);
  while (writes_->messages_of.step()) {
    const Lsn message = writes_->messages_of.number(1);
    const auto seen = session.old.find(writes_->messages_of.number(0));
    const bool released = seen != session.old.end() && seen->second.message == 0;
    if (message && !released) --refs[message];
  }
  const std::uint64_t deliveries = writes_->no_deliveries.bind(id).run();
  const std::uint64_t filters = writes_->no_filters.bind(id).run();
  const std::uint64_t inbounds = writes_->no_inbounds.bind(id).run();
  const std::uint64_t wills = writes_->no_will.bind(id).run();
  const std::uint64_t sessions = writes_->no_session.bind(id).run();
  next_.rows.deliveries -= deliveries;
  next_.rows.subscriptions -= filters;
  next_.rows.inbound -= inbounds;
  next_.rows.wills -= wills;
  next_.rows.sessions -= sessions;
  written_ += deliveries + filters + inbounds + wills + sessions;
}

void Store::write_will(const FoldSession& session) {
  const SessionId id = session.row.session;
  const std::uint64_t before = session.stored ? writes_->no_will.bind(id).run() : 0;
  next_.rows.wills -= before;
  written_ += before;
  if (!session.row.has_will) return;
  const core::WillRecord& will = session.row.will;
  writes_->will.bind(id);
  bind_message(writes_->will, will.message->fields());
  writes_->will.bind(will.delay_s);
  if (will.has_message_expiry) {
    writes_->will.bind(will.message_expiry_s);
  } else {
    writes_->will.bind_null();
  }
  next_.rows.wills += 1;
  written_ += writes_->will.bind(sum_of_will(id, will)).run();
}

void Store::write_filters(const FoldSession& session) {
  const SessionId id = session.row.session;
  for (const auto& [filter, now] : session.subscriptions) {
    if (session.stored) {
      const std::uint64_t before = writes_->no_filter.bind(id).bind_text(filter).run();
      next_.rows.subscriptions -= before;
      written_ += before;
    }
    if (!now) continue;
    core::SubscriptionRow row{id, now->fields};
    row.fields.filter = filter;
    writes_->filter.bind(id)
        .bind_text(filter)
        .bind(row.fields.qos)
        .bind(row.fields.no_local)
        .bind(row.fields.retain_as_published)
        .bind(row.fields.retain_handling)
        .bind(row.fields.identifier)
        .bind(row.fields.retained_owed)
        .bind(sum_of(row));
    written_ += writes_->filter.run();
    ++next_.rows.subscriptions;
  }
  for (const auto& [packet_id, present] : session.inbound) {
    std::uint64_t changes = 0;
    if (present) {
      changes = writes_->inbound.bind(id)
                    .bind(packet_id)
                    .bind(sum_of(core::InboundRow{id, packet_id}))
                    .run();
      next_.rows.inbound += changes;
    } else if (session.stored) {
      changes = writes_->no_inbound.bind(id).bind(packet_id).run();
      next_.rows.inbound -= changes;
    }
    written_ += changes;
  }
}

void Store::write_deliveries(const FoldSession& session, Bodies& bodies) {
  const SessionId id = session.row.session;
  for (const auto& [sequence, row] : session.old) {
    if (!row.gone) continue;
    const std::uint64_t changes = writes_->no_delivery.bind(id).bind(sequence).run();
    next_.rows.deliveries -= changes;
    written_ += changes;
  }
  for (const auto& [sequence, row] : session.old) {
    if (row.changed && !row.gone) write_delivery(writes_->delivery_again, id, row);
  }
  for (const FoldDelivery& row : session.fresh) {
    if (row.gone) continue;
    write_delivery(writes_->delivery, id, row);
    ++next_.rows.deliveries;
    if (row.body) bodies.emplace_back(row.message, row.body.get());
  }
}

void Store::write_delivery(sql::Statement& write, SessionId session, const FoldDelivery& row) {
  core::DeliveryRow delivery;
  delivery.session = session;
  delivery.sequence = row.sequence;
  delivery.stage = row.stage;
  delivery.packet_id = row.packet_id;
  delivery.qos = row.qos;
  delivery.retain = row.retain;
  if (row.subscription_ids) delivery.subscription_ids = *row.subscription_ids;
  const std::string ids = pack_ids(delivery.subscription_ids);
  write.bind(session)
      .bind(row.sequence)
      .bind(static_cast<std::uint64_t>(row.stage))
      .bind(row.packet_id)
      .bind(row.qos)
      .bind(row.retain)
      .bind_blob(ids)
      .bind(row.message)
      .bind(sum_of(delivery, row.message));
  written_ += write.run();
}

void Store::write_retained(const Fold& fold, Bodies& bodies) {
  for (const auto* entry : by_key(fold.retained())) {
    const auto& [topic, now] = *entry;
    if (now.body) bodies.emplace_back(now.message, now.body.get());
    if (now.message == now.stored) continue;
    if (now.message) {
      writes_->retained.bind_text(topic).bind(now.message);
      written_ += writes_->retained.bind(sum_of_retained(topic, now.message)).run();
      if (!now.stored) ++next_.rows.retained;
    } else {
      written_ += writes_->no_retained.bind_text(topic).run();
      --next_.rows.retained;
    }
  }
}

// The statements are made when there is something to write: most files have no such table.
void Store::write_accounts(const Fold& fold) {
  if (fold.accounts().empty()) return;
  raise_format(db_, next_);
  sql::Statement remove(db_, "DELETE FROM accounts WHERE kind = ? AND name = ?");
  sql::Statement insert(db_, "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?)");
  for (const auto& [key, now] : fold.accounts()) {
    const auto kind = static_cast<std::uint64_t>(key.first);
    const std::uint64_t before = remove.bind(kind).bind_text(key.second).run();
    next_.rows.accounts -= before;
    written_ += before;
    if (!now) continue;
    core::AccountFields row{key.first, key.second, now->enabled, now->password, {}};
    row.lines.assign(now->lines.begin(), now->lines.end());
    const std::string lines = pack_lines(row.lines);
    insert.bind(kind).bind_text(row.name).bind(row.enabled).bind_text(row.password);
    written_ += insert.bind_blob(lines).bind(sum_of(row)).run();
    ++next_.rows.accounts;
  }
}

// Messages of this window that something still refers to, each once.
void Store::write_messages(Bodies& bodies) {
  std::sort(bodies.begin(), bodies.end());
  for (std::size_t from = 0, to = 0; from < bodies.size(); from = to) {
    while (to < bodies.size() && bodies[to].first == bodies[from].first) ++to;
    const MessageRow row{bodies[from].first, to - from, bodies[from].second->fields()};
    writes_->message.bind(row.lsn).bind(row.refs);
    bind_message(writes_->message, row.fields);
    written_ += writes_->message.bind(sum_of(row)).run();
    ++next_.rows.messages;
  }
}

void Store::write_message_refs(const Refs& refs) {
  for (const auto& [lsn, change] : refs) {
    if (change == 0 || !db_.ok()) continue;
    const auto delta = static_cast<std::uint64_t>(change);
    const std::uint64_t gone = change < 0 ? writes_->no_message.bind(lsn).bind(delta).run() : 0;
    const std::uint64_t changes = gone ? gone : writes_->message_refs.bind(lsn).bind(delta).run();
    if (changes != 1) {
      db_.damaged("message " + std::to_string(lsn) + " is missing or has too few references");
    }
    next_.rows.messages -= gone;
    written_ += changes;
  }
}

}  // namespace tandemq::broker::checkpoint
