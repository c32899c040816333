#include "broker/checkpoint/schema.h"

#include "broker/base/bytes.h"
#include "broker/base/crc32c.h"

namespace tandemq::broker::checkpoint {

namespace {

constexpr const char* kTables = R"sql(
CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), pair_id TEXT NOT NULL,
  lsn INTEGER NOT NULL, epoch INTEGER NOT NULL, time_ms INTEGER NOT NULL,
  next_session INTEGER NOT NULL, sessions INTEGER NOT NULL, subscriptions INTEGER NOT NULL,
  messages INTEGER NOT NULL, deliveries INTEGER NOT NULL, inbound INTEGER NOT NULL,
  retained INTEGER NOT NULL, wills INTEGER NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE sessions (session INTEGER PRIMARY KEY, client_id TEXT NOT NULL,
  username TEXT NOT NULL, listener TEXT NOT NULL, version INTEGER NOT NULL, keep_alive_s INTEGER NOT NULL,
  expiry_s INTEGER NOT NULL, connected INTEGER NOT NULL, orphaned INTEGER NOT NULL,
  closed_at_ms INTEGER NOT NULL, next_sequence INTEGER NOT NULL, next_packet_id INTEGER NOT NULL,
  sum INTEGER NOT NULL);
CREATE TABLE wills (session INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB,
  properties BLOB, qos INTEGER NOT NULL, retain INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL,
  delay_s INTEGER NOT NULL, message_expiry_s INTEGER, sum INTEGER NOT NULL);
CREATE TABLE subscriptions (session INTEGER NOT NULL, filter TEXT NOT NULL, qos INTEGER NOT NULL,
  no_local INTEGER NOT NULL, retain_as_published INTEGER NOT NULL,
  retain_handling INTEGER NOT NULL, identifier INTEGER NOT NULL, retained_owed INTEGER NOT NULL,
  sum INTEGER NOT NULL,
  PRIMARY KEY (session, filter)) WITHOUT ROWID;
CREATE TABLE messages (lsn INTEGER PRIMARY KEY, refs INTEGER NOT NULL, topic TEXT NOT NULL,
  payload BLOB, properties BLOB, qos INTEGER NOT NULL, retain INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE deliveries (session INTEGER NOT NULL, sequence INTEGER NOT NULL,
  stage INTEGER NOT NULL, packet_id INTEGER NOT NULL, qos INTEGER NOT NULL,
  retain INTEGER NOT NULL, subscription_ids BLOB, message INTEGER NOT NULL, sum INTEGER NOT NULL,
  PRIMARY KEY (session, sequence)) WITHOUT ROWID;
CREATE UNIQUE INDEX in_flight ON deliveries (session, packet_id) WHERE packet_id > 0;
CREATE TABLE inbound (session INTEGER NOT NULL, packet_id INTEGER NOT NULL, sum INTEGER NOT NULL,
  PRIMARY KEY (session, packet_id)) WITHOUT ROWID;
CREATE TABLE retained (topic TEXT PRIMARY KEY, message INTEGER NOT NULL, sum INTEGER NOT NULL)
  WITHOUT ROWID;
)sql";

// What the second format has besides.
constexpr const char* kAccountTables = R"sql(
ALTER TABLE meta ADD COLUMN accounts INTEGER NOT NULL DEFAULT 0;
CREATE TABLE accounts (kind INTEGER NOT NULL, name TEXT NOT NULL, enabled INTEGER NOT NULL,
  password TEXT NOT NULL, lines BLOB, sum INTEGER NOT NULL,
  PRIMARY KEY (kind, name)) WITHOUT ROWID;
)sql";

void set_format(sql::Database& db, std::uint16_t format) {
  db.run(("PRAGMA user_version = " + std::to_string(format)).c_str());
}

// Sums the fields of a row: over values, so it holds for any page layout. Each table starts with a
// letter of its own.
class Sum {
 public:
  explicit Sum(char table) { buffer_[used_++] = table; }
  template <class T>
  Sum& add(T value) {
    const auto wide = static_cast<std::uint64_t>(value);
    if (used_ + sizeof(wide) > sizeof(buffer_)) flush();
    std::memcpy(buffer_ + used_, &wide, sizeof(wide));
    used_ += sizeof(wide);
    return *this;
  }
  Sum& text(std::string_view value) {
    add(value.size());
    flush();
    crc_ = crc32c(value, crc_);
    return *this;
  }
  // Signed 32 bits, which SQLite stores in at most 4 bytes.
  std::uint64_t value() {
    flush();
    return static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(crc_)});
  }

 private:
  void flush() {
    crc_ = crc32c({buffer_, used_}, crc_);
    used_ = 0;
  }
  char buffer_[128];
  std::size_t used_ = 0;
  std::uint32_t crc_ = 0;
};

Sum& add(Sum& sum, const core::MessageFields& fields) {
  return sum.text(fields.topic)
      .text(fields.payload)
      .text(fields.properties)
      .add(fields.qos)
      .add(fields.retain)
      .add(fields.expires_at);
}

std::uint64_t sum_of(const Head& head) {
  const CheckpointRows& rows = head.rows;
  Sum sum('h');
  sum.text(head.pair_id)
      .add(head.meta.lsn)
      .add(head.meta.epoch)
      .add(head.meta.time)
      .add(head.meta.next_session)
      .add(rows.sessions)
      .add(rows.subscriptions)
      .add(rows.messages)
      .add(rows.deliveries)
      .add(rows.inbound)
      .add(rows.retained)
      .add(rows.wills);
  if (head.format != kFirstFormat) sum.add(rows.accounts);
  return sum.value();
}

}  // namespace

void create_tables(sql::Database& db, const std::string& pair_id) {
  db.run("BEGIN IMMEDIATE");
  db.run(kTables);
  db.run(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
  set_format(db, kFirstFormat);
  Head head;
  head.pair_id = pair_id;
  write_head(db, head);
  db.run("COMMIT");
}

void check_format(sql::Database& db) {
  const auto application = db.number("PRAGMA application_id");
  const auto format = db.number("PRAGMA user_version");
  if (!db.ok()) return;
  if (application != kApplicationId) return db.damaged("is not a checkpoint of TandeMQ");
  if (format < kFirstFormat || format > kCheckpointFormat) {
    db.refuse("is of format " + std::to_string(format) + ", this program reads formats up to " +
              std::to_string(kCheckpointFormat) +
              "; use the program that wrote it, or a newer one");
  }
}

void raise_format(sql::Database& db, Head& head) {
  if (head.format == kCheckpointFormat) return;
  db.run(kAccountTables);
  set_format(db, kCheckpointFormat);
  head.format = kCheckpointFormat;
}

void write_head(sql::Database& db, const Head& head) {
  const CheckpointRows& rows = head.rows;
  const bool first = head.format == kFirstFormat;
  sql::Statement write(
      db, first ? "REPLACE INTO meta VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                : "REPLACE INTO meta VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  write.bind_text(head.pair_id)
      .bind(head.meta.lsn)
      .bind(head.meta.epoch)
      .bind(head.meta.time)
      .bind(head.meta.next_session)
      .bind(rows.sessions)
      .bind(rows.subscriptions)
      .bind(rows.messages)
      .bind(rows.deliveries)
      .bind(rows.inbound)
      .bind(rows.retained)
      .bind(rows.wills)
      .bind(sum_of(head));
  if (!first) write.bind(rows.accounts);
  write.run();
}

Head read_head(sql::Database& db) {
  Head head;
  head.format = static_cast<std::uint16_t>(db.number("PRAGMA user_version"));
  const std::string accounts = head.format == kFirstFormat ? "0" : "accounts";
  sql::Statement read(db, ("SELECT pair_id, lsn, epoch, time_ms, next_session, sessions, "
                           "subscriptions, messages, deliveries, inbound, retained, wills, sum, " +
                           accounts + " FROM meta WHERE one = 1")
                              .c_str());
  if (!read.step()) {
    db.damaged("has no row in table meta");
    return head;
  }
  head.pair_id = read.text(0);
  head.meta = {read.number(1), read.number(2), read.number(3),
               static_cast<core::SessionId>(read.number(4))};
  head.rows = {read.number(5), read.number(6),  read.number(7),  read.number(8),
               read.number(9), read.number(10), read.number(11), read.number(13)};
  if (read.number(12) != sum_of(head)) db.damaged("the row of table meta has a wrong checksum");
  read.reset();
  return head;
}

std::uint64_t sum_of(const core::SessionRow& row) {
  return Sum('s')
      .add(row.session)
      .text(row.client_id)
      .text(row.username)
      .text(row.listener)
      .add(row.version)
      .add(row.keep_alive_s)
      .add(row.expiry_s)
      .add(row.connected)
      .add(row.orphaned)
      .add(row.closed_at)
      .add(row.next_sequence)
      .add(row.next_packet_id)
      .value();
}

std::uint64_t sum_of(const core::SubscriptionRow& row) {
  return Sum('f')
      .add(row.session)
      .text(row.fields.filter)
      .add(row.fields.qos)
      .add(row.fields.no_local)
      .add(row.fields.retain_as_published)
      .add(row.fields.retain_handling)
      .add(row.fields.identifier)
      .add(row.fields.retained_owed)
      .value();
}

std::uint64_t sum_of(const MessageRow& row) {
  Sum sum('m');
  sum.add(row.lsn);
  return add(sum, row.fields).value();
}

std::uint64_t sum_of(const core::DeliveryRow& row, Lsn message) {
  Sum sum('d');
  sum.add(row.session)
      .add(row.sequence)
      .add(row.stage)
      .add(row.packet_id)
      .add(row.qos)
      .add(row.retain)
      .add(message);
  for (std::uint32_t id : row.subscription_ids) sum.add(id);
  return sum.value();
}

std::uint64_t sum_of(const core::InboundRow& row) {
  return Sum('i').add(row.session).add(row.packet_id).value();
}

std::uint64_t sum_of_retained(std::string_view topic, Lsn message) {
  return Sum('r').text(topic).add(message).value();
}

std::uint64_t sum_of_will(core::SessionId session, const core::WillRecord& will) {
  Sum sum('w');
  sum.add(session);
  return add(sum, will.message->fields())
      .add(will.delay_s)
      .add(will.has_message_expiry)
      .add(will.message_expiry_s)
      .value();
}

std::uint64_t sum_of(const core::AccountFields& row) {
  Sum sum('a');
  sum.add(row.kind).text(row.name).add(row.enabled).text(row.password);
  for (std::string_view line : row.lines) sum.text(line);
  return sum.value();
}

std::string pack_lines(const std::vector<std::string_view>& lines) {
  std::string blob;
  for (std::string_view line : lines) put_string16(blob, line);
  return blob;
}

std::vector<std::string_view> unpack_lines(std::string_view blob) {
  std::vector<std::string_view> lines;
  for (ByteReader in(blob); in.ok() && in.left() != 0;) lines.push_back(in.string16());
  return lines;
}

std::string pack_ids(const std::vector<std::uint32_t>& ids) {
  std::string blob;
  for (std::uint32_t id : ids) put_le(blob, id);
  return blob;
}

std::vector<std::uint32_t> unpack_ids(std::string_view blob) {
  std::vector<std::uint32_t> ids(blob.size() / sizeof(std::uint32_t));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ids[i] = get_le<std::uint32_t>(blob.data() + i * sizeof(std::uint32_t));
  }
  return ids;
}

}  // namespace tandemq::broker::checkpoint
