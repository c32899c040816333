// The state as rows: what a checkpoint stores, a snapshot carries and the state hash is made of.
// Durable state only, in canonical order: by session, then filter, sequence, identifier, topic;
// users and roles by name.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "broker/core/records.h"

namespace tandemq::core {

struct SessionRow {
  SessionId session = kNoSession;
  std::string_view client_id;
  std::string_view username;
  std::string_view listener;
  std::uint8_t version = 4;
  std::uint16_t keep_alive_s = 0;
  std::uint32_t expiry_s = 0;
  bool connected = false;           // a reign record or SessionClosed turns it off
  bool orphaned = false;            // was connected when its primary died
  TimeMs closed_at = 0;             // 0 while connected
  std::uint64_t next_sequence = 1;  // of the next delivery
  std::uint16_t next_packet_id = 1;
  bool has_will = false;
  WillRecord will;
};

struct SubscriptionRow {
  SessionId session = kNoSession;
  SubscriptionFields fields;
};

enum class DeliveryStage : std::uint8_t {
  queued,   // no identifier yet
  sent,     // in flight, waits for PUBACK or PUBREC
  received  // QoS 2, PUBREC came, waits for PUBCOMP; the message is gone
};

struct DeliveryRow {
  SessionId session = kNoSession;
  std::uint64_t sequence = 0;  // order in the session, from 1
  DeliveryStage stage = DeliveryStage::queued;
  std::uint16_t packet_id = 0;
  std::uint8_t qos = 0;
  bool retain = false;
  std::vector<std::uint32_t> subscription_ids;
  MessageRef message;  // null in stage received
};

// A QoS 2 identifier of a publisher between PUBLISH and PUBREL.
struct InboundRow {
  SessionId session = kNoSession;
  std::uint16_t packet_id = 0;
};

struct RetainedRow {
  MessageRef message;  // its topic is the key
};

struct MetaRow {
  Lsn lsn = 0;  // last record applied
  Epoch epoch = 0;
  TimeMs time = 0;  // latest time seen in a record
  SessionId next_session = 1;
};

// Visits rows; also the way to load them (State::restore has the same overloads).
class RowVisitor {
 public:
  virtual ~RowVisitor() = default;
  virtual void meta(const MetaRow&) = 0;
  virtual void session(const SessionRow&) = 0;
  virtual void subscription(const SubscriptionRow&) = 0;
  virtual void delivery(const DeliveryRow&) = 0;
  virtual void inbound(const InboundRow&) = 0;
  virtual void retained(const RetainedRow&) = 0;
  virtual void account(const AccountFields&) = 0;
};

}  // namespace tandemq::core
