// Effects: what a record, or a refusal, lets the world see. Each names the LSN that has to be
// committed before it may leave the process.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/ids.h"
#include "broker/base/ref.h"
#include "broker/core/message.h"
#include "broker/mqtt/reason.h"

namespace tandemq::core {

// A connection of the shell. Never used twice in the life of a process; 0 is none.
using ConnId = std::uint64_t;

enum class EffectKind : std::uint8_t {
  publish,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  connack,
  suback,
  unsuback,
  pingresp,
  disconnect,  // send DISCONNECT (5.0 only), then close
  close        // close without a packet
};

// The rare fields, so that the common effects stay small.
struct EffectDetail {
  std::vector<mqtt::Reason> codes;              // suback, unsuback
  std::vector<std::uint32_t> subscription_ids;  // publish
  bool session_present = false;                 // connack
  std::string assigned_client_id;               // connack; empty: none
  std::uint32_t session_expiry_s = 0;           // connack, when the server changed it
  bool session_expiry_changed = false;
  std::uint16_t server_keep_alive_s = 0;  // connack, when the server changed it
  std::string reason_string;              // connack, disconnect

  mutable std::uint32_t refs = 0;
  static void destroy(const EffectDetail* detail) { delete detail; }
};
using DetailRef = Ref<EffectDetail>;
inline DetailRef share(EffectDetail&& detail) {
  return DetailRef(new EffectDetail(std::move(detail)));
}

struct Effect {
  EffectKind kind = EffectKind::close;
  std::uint8_t qos = 0;  // publish
  bool dup = false;      // publish
  bool retain = false;   // publish
  mqtt::Reason reason = mqtt::Reason::success;
  std::uint16_t packet_id = 0;
  ConnId conn = 0;
  Lsn after = 0;       // 0: at once
  MessageRef message;  // publish
  DetailRef detail;
};

using Effects = std::vector<Effect>;

}  // namespace tandemq::core
