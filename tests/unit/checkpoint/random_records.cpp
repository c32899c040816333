#include "tests/unit/checkpoint/random_records.h"

#include <algorithm>

namespace tandemq::broker::test {

RandomRecords::RandomRecords(std::uint64_t seed, core::State& state, MemoryJournal& journal)
    : random_(seed), state_(state), journal_(journal) {}

void RandomRecords::step() {
  time_ += below(50);
  while (!propose()) {
  }
}

bool RandomRecords::try_record(const core::Record& record) {
  std::string body;
  core::encode_record(body, record);
  const core::Kind kind = core::kind_of(record);
  if (!state_.apply_encoded(journal_.last() + 1, kind, body)) return false;
  journal_.append_encoded(kind, body);
  return true;
}

bool RandomRecords::propose() {
  if (open_.empty()) return open_session();
  const auto dice = below(100);
  if (dice < 6) return open_session();
  if (dice < 11) return close_session();
  if (dice < 36) return publish();
  if (dice < 42) return subscribe();
  if (dice < 48) return queue_retained();
  if (dice < 72) return acknowledge();
  if (dice < 86) return send();
  if (dice < 92) return drop();
  return others();
}

core::MessageRef RandomRecords::make_message() {
  const std::string name = topic();
  const std::string payload(below(40), static_cast<char>('a' + below(26)));
  const char* properties = chance(30) ? "\x01\x01" : "";
  return core::Message::create({name, payload, properties, static_cast<std::uint8_t>(below(3)),
                                chance(30), chance(30) ? time_ + below(1000) : 0});
}

bool RandomRecords::open_session() {
  core::SessionOpened record;
  const bool resumed = !open_.empty() && chance(60);
  if (!resumed && open_.size() >= 12) return false;
  Open fresh{next_id_, "client-" + std::to_string(next_id_), {}, {}};
  Open& session = resumed ? open_[below(open_.size())] : fresh;
  record.session = session.id;
  record.time = time_;
  record.resumed = resumed;
  record.version = chance(50) ? 5 : 4;
  record.keep_alive_s = static_cast<std::uint16_t>(below(100));
  record.expiry_s = chance(20) ? core::kNeverExpires : static_cast<std::uint32_t>(below(5000) + 1);
  record.client_id = session.client_id;
  const std::string username = "user-" + std::to_string(below(3));
  record.username = username;
  record.has_will = chance(40);
  if (record.has_will) {
    record.will.message = make_message();
    record.will.delay_s = static_cast<std::uint32_t>(below(10));
    record.will.has_message_expiry = chance(50);
    if (record.will.has_message_expiry) {
      record.will.message_expiry_s = static_cast<std::uint32_t>(below(100));
    }
  }
  if (!try_record(record)) return false;
  if (!resumed) {
    open_.push_back(fresh);
    ++next_id_;
  }
  return true;
}

bool RandomRecords::close_session() {
  const std::size_t at = below(open_.size());
  if (chance(70)) {
    core::SessionClosed record{open_[at].id, time_, static_cast<std::uint32_t>(below(1000)),
                               chance(50)};
    return try_record(record);
  }
  if (!try_record(core::SessionRemoved{open_[at].id})) return false;
  open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(at));
  return true;
}

core::Target RandomRecords::make_target(Open& session) {
  core::Target target;
  target.session = session.id;
  target.qos = static_cast<std::uint8_t>(1 + below(2));
  target.retain = chance(30);
  if (session.queued == 0 && chance(60)) target.packet_id = session.next_packet_id;
  for (std::uint64_t n = chance(30) ? 1 + below(3) : 0; n > 0; --n) {
    target.subscription_ids.push_back(static_cast<std::uint32_t>(below(1 << 20) + 1));
  }
  return target;
}

bool RandomRecords::publish() {
  core::Published record;
  record.time = time_;
  record.message = make_message();
  if (chance(30)) {
    record.retain = chance(75) ? core::RetainAction::store : core::RetainAction::clear;
  }
  Open* publisher = nullptr;
  if (chance(40)) {
    publisher = &open_[below(open_.size())];
    record.publisher = publisher->id;
    record.is_will = chance(20);
    if (!record.is_will) {
      record.inbound_id = static_cast<std::uint16_t>(below(20) + 1);
    }
  }
  std::vector<Open*> receivers;
  for (Open& session : open_) {
    if (!chance(30)) continue;
    record.targets.push_back(make_target(session));
    receivers.push_back(&session);
  }
  if (!try_record(record)) return false;
  if (publisher && record.inbound_id) publisher->inbound.push_back(record.inbound_id);
  for (std::size_t i = 0; i < receivers.size(); ++i) {
    Open& session = *receivers[i];
    ++session.next_sequence;
    if (record.targets[i].packet_id) {
      session.in_flight.push_back(session.next_packet_id++);
    } else {
      ++session.queued;
    }
  }
  return true;
}

bool RandomRecords::subscribe() {
  const Open& session = any_of(open_);
  const std::vector<std::string> filters = {"plant/#", "plant/+/temperature", "plant/1/temperature",
                                            "$share/workers/plant/#", "#"};
  if (chance(30)) {
    return try_record(core::Unsubscribed{session.id, {any_of(filters), any_of(filters)}});
  }
  core::Subscribed record{session.id, {}};
  for (std::uint64_t n = 1 + below(3); n > 0; --n) {
    record.subscriptions.push_back({any_of(filters), static_cast<std::uint8_t>(below(3)), false,
                                    chance(50), static_cast<std::uint8_t>(below(3)),
                                    static_cast<std::uint32_t>(chance(50) ? below(1000) : 0)});
  }
  return try_record(record);
}

bool RandomRecords::queue_retained() {
  Open& session = open_[below(open_.size())];
  const std::string first = topic(), second = topic();
  core::RetainedQueued record;
  record.session = session.id;
  record.items.push_back({first, make_target(session)});
  if (chance(50)) {
    record.items.push_back({second, make_target(session)});
    record.items.back().target.packet_id = 0;
  }
  if (!try_record(record)) return false;
  for (const auto& item : record.items) {
    ++session.next_sequence;
    if (item.target.packet_id) {
      session.in_flight.push_back(session.next_packet_id++);
    } else {
      ++session.queued;
    }
  }
  return true;
}

bool RandomRecords::acknowledge() {
  Open& session = open_[below(open_.size())];
  if (session.in_flight.empty()) return false;
  // Mostly the oldest, as clients do.
  const std::size_t at = chance(80) ? 0 : below(session.in_flight.size());
  const std::uint16_t id = session.in_flight[at];
  const auto dice = below(3);
  if (dice == 2) return try_record(core::Received{session.id, id});
  const bool fits = dice == 0 ? try_record(core::Acked{session.id, id})
                              : try_record(core::Completed{session.id, id});
  if (fits) session.in_flight.erase(session.in_flight.begin() + static_cast<std::ptrdiff_t>(at));
  return fits;
}

bool RandomRecords::send() {
  Open& session = open_[below(open_.size())];
  if (session.queued == 0) return false;
  core::Sent record;
  record.session = session.id;
  for (std::uint64_t n = 1 + below(std::min<std::uint64_t>(session.queued, 4)); n > 0; --n) {
    record.packet_ids.push_back(session.next_packet_id++);
  }
  if (!try_record(record)) return false;
  session.queued -= record.packet_ids.size();
  session.in_flight.insert(session.in_flight.end(), record.packet_ids.begin(),
                           record.packet_ids.end());
  return true;
}

bool RandomRecords::drop() {
  Open& session = open_[below(open_.size())];
  core::Dropped record;
  record.session = session.id;
  const std::uint64_t back = below(20) + 1;
  std::uint64_t sequence = session.next_sequence > back ? session.next_sequence - back : 1;
  for (; sequence < session.next_sequence && record.sequence.size() < 3; ++sequence) {
    if (chance(50)) record.sequence.push_back(sequence);
  }
  if (record.sequence.empty() || !try_record(record)) return false;
  session.queued -= record.sequence.size();
  return true;
}

bool RandomRecords::others() {
  Open& session = open_[below(open_.size())];
  switch (below(5)) {
    case 0: {
      if (session.inbound.empty()) return false;
      const std::uint16_t id = any_of(session.inbound);
      std::erase(session.inbound, id);
      return try_record(core::Released{session.id, id});
    }
    case 1:
      return try_record(core::WillSettled{session.id});
    case 2: {
      const std::string name = topic();
      return try_record(core::RetainedExpired{name});
    }
    case 3: {
      if (!chance(20)) return false;
      core::ReignBegan record;
      ++reigns_;
      record.epoch = make_epoch(reigns_, 1 + reigns_ % 2);
      record.time = time_;
      return try_record(record);
    }
    default: {  // a record of the replicator's own
      const Lsn lsn = journal_.last() + 1;
      const std::string body(8, '\0');
      if (!state_.apply_encoded(lsn, core::Kind{3}, body)) return false;
      journal_.append_encoded(core::Kind{3}, body);
      return true;
    }
  }
}

}  // namespace tandemq::broker::test
