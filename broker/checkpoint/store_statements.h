// The statements of a Store and the rows that they give. Private to checkpoint_store*.cpp and
// checkpoint_load.cpp.
#pragma once

#include "broker/checkpoint/schema.h"
#include "broker/checkpoint/store.h"
#include "broker/core/rows.h"

namespace tandemq::broker::checkpoint {

#define TMQ_SESSION_COLUMNS                                                              \
  "session, client_id, username, listener, version, keep_alive_s, expiry_s, connected, " \
  "orphaned, closed_at_ms, next_sequence, next_packet_id, sum"
constexpr int kSessionSum = 12;
inline core::SessionRow session_row(const sql::Statement& row) {
  core::SessionRow session;
  session.session = static_cast<core::SessionId>(row.number(0));
  session.client_id = row.text(1);
  session.username = row.text(2);
  session.listener = row.text(3);
  session.version = static_cast<std::uint8_t>(row.number(4));
  session.keep_alive_s = static_cast<std::uint16_t>(row.number(5));
  session.expiry_s = static_cast<std::uint32_t>(row.number(6));
  session.connected = row.number(7) != 0;
  session.orphaned = row.number(8) != 0;
  session.closed_at = row.number(9);
  session.next_sequence = row.number(10);
  session.next_packet_id = static_cast<std::uint16_t>(row.number(11));
  return session;
}

#define TMQ_DELIVERY_COLUMNS \
  "session, sequence, stage, packet_id, qos, retain, subscription_ids, message, sum"
constexpr int kDeliveryMessage = 7;
constexpr int kDeliverySum = 8;
inline core::DeliveryRow delivery_row(const sql::Statement& row) {
  core::DeliveryRow delivery;
  delivery.session = static_cast<core::SessionId>(row.number(0));
  delivery.sequence = row.number(1);
  delivery.stage = static_cast<core::DeliveryStage>(row.number(2));
  delivery.packet_id = static_cast<std::uint16_t>(row.number(3));
  delivery.qos = static_cast<std::uint8_t>(row.number(4));
  delivery.retain = row.number(5) != 0;
  delivery.subscription_ids = unpack_ids(row.text(6));
  return delivery;
}

struct Store::Reads {
  explicit Reads(sql::Database& db)
      : session(db, "SELECT " TMQ_SESSION_COLUMNS " FROM sessions WHERE session = ?"),
        open(db, "SELECT session FROM sessions WHERE connected = 1 OR orphaned = 1"),
        in_flight(db, "SELECT " TMQ_DELIVERY_COLUMNS
                      " FROM deliveries WHERE session = ? AND packet_id = ? AND packet_id > 0"),
        delivery(db, "SELECT " TMQ_DELIVERY_COLUMNS
                     " FROM deliveries WHERE session = ? AND sequence = ?"),
        queued(db, "SELECT " TMQ_DELIVERY_COLUMNS
                   " FROM deliveries WHERE session = ? AND sequence > ? AND stage = 0"
                   " ORDER BY sequence LIMIT ?"),
        retained(db, "SELECT message, sum FROM retained WHERE topic = ?") {}
  sql::Statement session, open, in_flight, delivery, queued, retained;
};

struct Store::Writes {
  explicit Writes(sql::Database& db)
      : session(db, "REPLACE INTO sessions (" TMQ_SESSION_COLUMNS
                    ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        no_session(db, "DELETE FROM sessions WHERE session = ?"),
        will(db, "INSERT INTO wills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        no_will(db, "DELETE FROM wills WHERE session = ?"),
        filter(db, "INSERT INTO subscriptions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        no_filter(db, "DELETE FROM subscriptions WHERE session = ? AND filter = ?"),
        no_filters(db, "DELETE FROM subscriptions WHERE session = ?"),
        inbound(db, "INSERT OR IGNORE INTO inbound VALUES (?, ?, ?)"),
        no_inbound(db, "DELETE FROM inbound WHERE session = ? AND packet_id = ?"),
        no_inbounds(db, "DELETE FROM inbound WHERE session = ?"),
        delivery(db, "INSERT INTO deliveries (" TMQ_DELIVERY_COLUMNS
                     ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        delivery_again(db, "REPLACE INTO deliveries (" TMQ_DELIVERY_COLUMNS
                           ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        no_delivery(db, "DELETE FROM deliveries WHERE session = ? AND sequence = ?"),
        messages_of(db, "SELECT sequence, message FROM deliveries WHERE session = ?"),
        no_deliveries(db, "DELETE FROM deliveries WHERE session = ?"),
        retained(db, "REPLACE INTO retained VALUES (?, ?, ?)"),
        no_retained(db, "DELETE FROM retained WHERE topic = ?"),
        message(db, "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        no_message(db, "DELETE FROM messages WHERE lsn = ? AND refs + ? = 0"),
        message_refs(db, "UPDATE messages SET refs = refs + ?2 WHERE lsn = ?1 AND refs + ?2 > 0") {}
  sql::Statement session, no_session, will, no_will, filter, no_filter, no_filters, inbound,
      no_inbound, no_inbounds, delivery, delivery_again, no_delivery, messages_of, no_deliveries,
      retained, no_retained, message, no_message, message_refs;
};

}  // namespace tandemq::broker::checkpoint
