// Reading a checkpoint whole: every row, its checksum, the references between rows and the counts.
// That is also the file's integrity check; what it does not read (free pages) does not matter.
#include <algorithm>
#include <chrono>
#include <vector>

#include "broker/checkpoint/checkpoint.h"
#include "broker/checkpoint/schema.h"
#include "broker/checkpoint/store_statements.h"

namespace tandemq::broker {

using namespace checkpoint;

namespace {

using Clock = std::chrono::steady_clock;
using ProgressCall = std::function<void(const CheckpointProgress&)>;

// Messages by LSN; ascending, as they are read.
class Messages {
 public:
  struct Entry {
    Lsn lsn;
    std::uint64_t refs_left;
    core::MessageRef message;  // null when nobody wants the bodies
  };
  void add(Entry entry) { entries_.push_back(std::move(entry)); }
  // Takes one reference; null: no such message, or no reference left. Neighbours in a queue are
  // neighbours here more often than not.
  Entry* take(Lsn lsn) {
    if (++last_ >= entries_.size() || entries_[last_].lsn != lsn) {
      const auto at = std::lower_bound(entries_.begin(), entries_.end(), lsn,
                                       [](const Entry& e, Lsn wanted) { return e.lsn < wanted; });
      if (at == entries_.end() || at->lsn != lsn) return nullptr;
      last_ = static_cast<std::size_t>(at - entries_.begin());
    }
    Entry& entry = entries_[last_];
    return entry.refs_left-- > 0 ? &entry : nullptr;
  }
  bool all_taken() const {
    return std::all_of(entries_.begin(), entries_.end(),
                       [](const Entry& e) { return e.refs_left == 0; });
  }

 private:
  std::vector<Entry> entries_;
  std::size_t last_ = 0;
};

core::MessageFields message_fields(const sql::Statement& row, int first) {
  return {row.text(first),
          row.text(first + 1),
          row.text(first + 2),
          static_cast<std::uint8_t>(row.number(first + 3)),
          row.number(first + 4) != 0,
          row.number(first + 5)};
}

class Loader {
 public:
  // `visitor` may be null: rows are checked only.
  Loader(sql::Database& db, core::RowVisitor* visitor, const ProgressCall* progress)
      : db_(db), visitor_(visitor), progress_(progress), began_(Clock::now()), told_(began_) {}

  // In the order of State::each_row.
  void run(const Head& head) {
    total_ = head.rows.total();
    if (visitor_) visitor_->meta(head.meta);
    messages();
    sessions();
    subscriptions();
    deliveries();
    inbound();
    retained();
    if (head.format != kFirstFormat) accounts();
    in_flight_index();
    if (!db_.ok()) return;
    if (!messages_.all_taken()) db_.damaged("a message has more references than rows name it");
    if (seen_.total() != total_ || !same_counts(head.rows)) {
      db_.damaged("has other numbers of rows than table meta says");
    }
    if (progress_ && *progress_ && told_ != began_) tell(Clock::now());
  }

 private:
  bool same_counts(const CheckpointRows& r) const {
    return seen_.sessions == r.sessions && seen_.subscriptions == r.subscriptions &&
           seen_.messages == r.messages && seen_.deliveries == r.deliveries &&
           seen_.inbound == r.inbound && seen_.retained == r.retained && seen_.wills == r.wills &&
           seen_.accounts == r.accounts;
  }

  // Counts a row that was read, checks its sum and reports progress now and then.
  bool row(std::uint64_t& count, std::uint64_t sum, std::uint64_t stored, const char* table) {
    ++count;
    if (sum != stored) {
      db_.damaged(std::string("a row of table ") + table + " has a wrong checksum");
      return false;
    }
    if ((++done_ & 4095) == 0 && progress_ && *progress_) {
      const auto now = Clock::now();
      if (now - told_ >= std::chrono::milliseconds(500)) tell(now);
    }
    return true;
  }
  void tell(Clock::time_point now) {
    told_ = now;
    (*progress_)({done_, total_, std::chrono::duration<double>(now - began_).count()});
  }

  void messages() {
    sql::Statement read(db_,
                        "SELECT lsn, refs, topic, payload, properties, qos, retain, "
                        "expires_at_ms, sum FROM messages ORDER BY lsn");
    while (read.step()) {
      const MessageRow message{read.number(0), read.number(1), message_fields(read, 2)};
      if (!row(seen_.messages, sum_of(message), read.number(8), "messages")) return;
      messages_.add({message.lsn, message.refs,
                     visitor_ ? core::Message::create(message.fields) : core::MessageRef()});
    }
  }

  void sessions() {
    sql::Statement read(db_, "SELECT " TMQ_SESSION_COLUMNS " FROM sessions ORDER BY session");
    sql::Statement wills(db_,
                         "SELECT session, topic, payload, properties, qos, retain, expires_at_ms, "
                         "delay_s, message_expiry_s, sum FROM wills ORDER BY session");
    bool will_left = wills.step();
    while (read.step()) {
      core::SessionRow session = session_row(read);
      if (!row(seen_.sessions, sum_of(session), read.number(kSessionSum), "sessions")) return;
      if (will_left && wills.number(0) == session.session) {
        if (!read_will(wills, session)) return;
        will_left = wills.step();
      }
      if (visitor_) visitor_->session(session);
    }
  }

  bool read_will(const sql::Statement& read, core::SessionRow& session) {
    session.has_will = true;
    session.will.message = core::Message::create(message_fields(read, 1));
    session.will.delay_s = static_cast<std::uint32_t>(read.number(7));
    session.will.has_message_expiry = !read.is_null(8);
    session.will.message_expiry_s = static_cast<std::uint32_t>(read.number(8));
    return row(seen_.wills, sum_of_will(session.session, session.will), read.number(9), "wills");
  }

  void subscriptions() {
    sql::Statement read(db_,
                        "SELECT session, filter, qos, no_local, retain_as_published, "
                        "retain_handling, identifier, retained_owed, sum FROM subscriptions "
                        "ORDER BY session, filter");
    while (read.step()) {
      const core::SubscriptionRow subscription{
          static_cast<core::SessionId>(read.number(0)),
          {read.text(1), static_cast<std::uint8_t>(read.number(2)), read.number(3) != 0,
           read.number(4) != 0, static_cast<std::uint8_t>(read.number(5)),
           static_cast<std::uint32_t>(read.number(6)), read.number(7) != 0}};
      if (!row(seen_.subscriptions, sum_of(subscription), read.number(8), "subscriptions")) return;
      if (visitor_) visitor_->subscription(subscription);
    }
  }

  void deliveries() {
    sql::Statement read(
        db_, "SELECT " TMQ_DELIVERY_COLUMNS " FROM deliveries ORDER BY session, sequence");
    while (read.step()) {
      core::DeliveryRow delivery = delivery_row(read);
      const Lsn lsn = read.number(kDeliveryMessage);
      if (!row(seen_.deliveries, sum_of(delivery, lsn), read.number(kDeliverySum), "deliveries")) {
        return;
      }
      if (delivery.packet_id) index_ += index_mix(delivery);
      if (lsn) {
        const Messages::Entry* entry = messages_.take(lsn);
        if (!entry) return db_.damaged("a delivery names a message that is not there");
        delivery.message = entry->message;
      }
      if (visitor_) visitor_->delivery(delivery);
    }
  }

  void inbound() {
    sql::Statement read(db_,
                        "SELECT session, packet_id, sum FROM inbound "
                        "ORDER BY session, packet_id");
    while (read.step()) {
      const core::InboundRow inbound{static_cast<core::SessionId>(read.number(0)),
                                     static_cast<std::uint16_t>(read.number(1))};
      if (!row(seen_.inbound, sum_of(inbound), read.number(2), "inbound")) return;
      if (visitor_) visitor_->inbound(inbound);
    }
  }

  void retained() {
    sql::Statement read(db_, "SELECT topic, message, sum FROM retained ORDER BY topic");
    while (read.step()) {
      const Lsn lsn = read.number(1);
      if (!row(seen_.retained, sum_of_retained(read.text(0), lsn), read.number(2), "retained")) {
        return;
      }
      const Messages::Entry* entry = messages_.take(lsn);
      if (!entry) return db_.damaged("a retained topic names a message that is not there");
      if (visitor_) visitor_->retained({entry->message});
    }
  }

  void accounts() {
    sql::Statement read(
        db_, "SELECT kind, name, enabled, password, lines, sum FROM accounts ORDER BY kind, name");
    while (read.step()) {
      const core::AccountFields account{
          core::AccountKind{static_cast<std::uint8_t>(read.number(0))}, read.text(1),
          read.number(2) != 0, read.text(3), unpack_lines(read.text(4))};
      if (!row(seen_.accounts, sum_of(account), read.number(5), "accounts")) return;
      if (visitor_) visitor_->account(account);
    }
  }

  // The index is not read through the rows above, but the fold trusts it.
  void in_flight_index() {
    sql::Statement read(db_,
                        "SELECT session, packet_id, sequence FROM deliveries INDEXED BY in_flight "
                        "WHERE packet_id > 0");
    std::uint64_t index = 0;
    while (read.step()) {
      core::DeliveryRow entry;
      entry.session = static_cast<core::SessionId>(read.number(0));
      entry.packet_id = static_cast<std::uint16_t>(read.number(1));
      entry.sequence = read.number(2);
      index += index_mix(entry);
    }
    if (index != index_) db_.damaged("the index in_flight does not fit table deliveries");
  }
  static std::uint64_t index_mix(const core::DeliveryRow& row) {
    core::DeliveryRow key;
    key.session = row.session;
    key.packet_id = row.packet_id;
    key.sequence = row.sequence;
    return sum_of(key, 0);
  }

  sql::Database& db_;
  core::RowVisitor* visitor_;
  const ProgressCall* progress_;
  Clock::time_point began_, told_;
  std::uint64_t done_ = 0, total_ = 0;
  CheckpointRows seen_;
  Messages messages_;
  std::uint64_t index_ = 0;
};

}  // namespace

Result<CheckpointInfo> checkpoint::checkpoint_read(const CheckpointConfig& config, sql::Mode mode,
                                                   core::RowVisitor* visitor,
                                                   const ProgressCall* progress) {
  sql::Database db(config.path, mode);
  db.run("PRAGMA cache_size = -4096; BEGIN");
  const Head head = check_head(db, config.pair_id);
  if (!db.ok()) return db.error();
  Loader(db, visitor, progress).run(head);
  if (!db.ok()) return db.error();
  return CheckpointInfo{head.meta, head.rows, file_bytes(config.path)};
}

Result<CheckpointInfo> checkpoint_load(const CheckpointConfig& config, core::State& state,
                                       const ProgressCall& progress) {
  return checkpoint_read(config, sql::Mode::read, &state.restorer(), &progress);
}

}  // namespace tandemq::broker
