#include "tests/unit/checkpoint/random_records.h"

#include <algorithm>

namespace tandemq::broker::test {

namespace {

using core::Kind;

constexpr unsigned kControlPercent = 2;

// How often each kind is proposed, beside the others.
unsigned weight_of(Kind kind) {
  switch (kind) {
    case Kind::published:
      return 75;
    case Kind::sent:
      return 42;
    case Kind::acked:
    case Kind::received:
    case Kind::completed:
      return 24;
    case Kind::session_opened:
    case Kind::retained_queued:
    case Kind::dropped:
      return 18;
    case Kind::subscribed:
    case Kind::session_closed:
      return 12;
    case Kind::unsubscribed:
    case Kind::session_removed:
    case Kind::released:
    case Kind::retained_expired:
    case Kind::will_settled:
    case Kind::account_set:
      return 5;
    case Kind::reign_began:
      return 1;
  }
  return 0;
}

Kind draw_kind(std::uint64_t dice) {
  unsigned all = 0;
  for (const core::KindFacts& facts : core::kKinds) all += weight_of(facts.kind);
  dice %= all;
  for (const core::KindFacts& facts : core::kKinds) {
    if (dice < weight_of(facts.kind)) return facts.kind;
    dice -= weight_of(facts.kind);
  }
  return Kind::published;
}

}  // namespace

RandomRecords::RandomRecords(std::uint64_t seed, core::State& state, MemoryJournal& journal)
    : random_(seed), state_(state), journal_(journal) {}

void RandomRecords::step() {
  time_ += below(50);
  while (!(chance(kControlPercent) ? control_record() : propose(draw_kind(random_())))) {
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

bool RandomRecords::propose(Kind kind) {
  if (open_.empty()) return open_session();
  switch (kind) {
    case Kind::reign_began:
      return begin_reign();
    case Kind::session_opened:
      return open_session();
    case Kind::session_closed:
      return close_session();
    case Kind::session_removed:
      return remove_session();
    case Kind::subscribed:
      return subscribe();
    case Kind::unsubscribed:
      return unsubscribe();
    case Kind::published:
      return publish();
    case Kind::retained_queued:
      return queue_retained();
    case Kind::sent:
      return send();
    case Kind::acked:
    case Kind::received:
    case Kind::completed:
      return acknowledge(kind);
    case Kind::released:
      return release();
    case Kind::dropped:
      return drop();
    case Kind::retained_expired:
      return try_record(core::RetainedExpired{topic()});
    case Kind::will_settled:
      return try_record(core::WillSettled{any_of(open_).id});
    case Kind::account_set:
      return set_account();
  }
  return false;
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
  record.listener = below(2) == 0 ? "mqtt" : "mqtts";
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
  return try_record(core::SessionClosed{any_of(open_).id, time_,
                                        static_cast<std::uint32_t>(below(1000)), chance(50)});
}

bool RandomRecords::remove_session() {
  const std::size_t at = below(open_.size());
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
  Open* from = chance(15) ? &open_[below(open_.size())] : nullptr;
  if (from && from->next_sequence > 1) {
    record.moved_from = from->id;
    record.moved_sequence = from->next_sequence - 1;
  }
  std::vector<Open*> receivers;
  for (Open& session : open_) {
    if (!chance(30) || session.id == record.moved_from) continue;
    record.targets.push_back(make_target(session));
    receivers.push_back(&session);
  }
  if (!try_record(record)) return false;
  if (publisher && record.inbound_id) publisher->inbound.push_back(record.inbound_id);
  if (record.moved_from != core::kNoSession) --from->queued;
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

std::string RandomRecords::filter() {
  static const std::vector<std::string> filters = {
      "plant/#", "plant/+/temperature", "plant/1/temperature", "$share/workers/plant/#", "#"};
  return any_of(filters);
}

bool RandomRecords::unsubscribe() {
  const std::string one = filter(), other = filter();
  return try_record(core::Unsubscribed{any_of(open_).id, {one, other}});
}

bool RandomRecords::subscribe() {
  const std::string texts[] = {filter(), filter(), filter()};
  core::Subscribed record{any_of(open_).id, {}};
  for (std::uint64_t n = 1 + below(3); n > 0; --n) {
    record.subscriptions.push_back({texts[n - 1], static_cast<std::uint8_t>(below(3)), false,
                                    chance(50), static_cast<std::uint8_t>(below(3)),
                                    static_cast<std::uint32_t>(chance(50) ? below(1000) : 0),
                                    chance(30)});
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

bool RandomRecords::acknowledge(Kind kind) {
  Open& session = open_[below(open_.size())];
  if (session.in_flight.empty()) return false;
  // Mostly the oldest, as clients do.
  const std::size_t at = chance(80) ? 0 : below(session.in_flight.size());
  const auto first = session.in_flight.begin() + static_cast<std::ptrdiff_t>(at);
  const auto left = static_cast<std::uint64_t>(session.in_flight.end() - first);
  const auto end = first + static_cast<std::ptrdiff_t>(1 + below(std::min<std::uint64_t>(left, 4)));
  std::string more;
  for (auto id = first + 1; id != end; ++id) put_le(more, *id);
  if (kind == Kind::received) return try_record(core::Received{session.id, *first, more});
  const bool fits = kind == Kind::acked ? try_record(core::Acked{session.id, *first, more})
                                        : try_record(core::Completed{session.id, *first, more});
  if (fits) session.in_flight.erase(first, end);
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

bool RandomRecords::release() {
  Open& session = open_[below(open_.size())];
  if (session.inbound.empty()) return false;
  const std::uint16_t id = any_of(session.inbound);
  std::erase(session.inbound, id);
  return try_record(core::Released{session.id, id});
}

bool RandomRecords::set_account() {
  const std::string name = "account-" + std::to_string(below(5));
  const std::string rule = "topic read plant/" + std::to_string(below(100)) + "/#";
  core::AccountSet record;
  record.account.kind = chance(50) ? core::AccountKind::user : core::AccountKind::role;
  record.account.name = name;
  record.exists = chance(70);
  if (!record.exists) return try_record(record);
  record.account.enabled = chance(80);
  record.account.password = chance(50) ? "$7$101$c2FsdA==$aGFzaA==" : "";
  if (chance(70)) record.account.lines = {rule, "pattern readwrite plant/%c"};
  return try_record(record);
}

bool RandomRecords::begin_reign() {
  ++reigns_;
  return try_record(core::ReignBegan{make_epoch(reigns_, 1 + reigns_ % 2), time_});
}

// A record of the replicator's own.
bool RandomRecords::control_record() {
  const std::string body(8, '\0');
  if (!state_.apply_encoded(journal_.last() + 1, core::Kind{3}, body)) return false;
  journal_.append_encoded(core::Kind{3}, body);
  return true;
}

}  // namespace tandemq::broker::test
