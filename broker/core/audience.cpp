#include "broker/core/audience.h"

namespace tandemq::core {

void emit_publish(ConnId conn, const Delivery& delivery, bool dup, Lsn after, Effects& out) {
  Effect& effect = out.emplace_back();
  effect.kind = EffectKind::publish;
  effect.qos = delivery.qos;
  effect.dup = dup;
  effect.retain = delivery.retain;
  effect.packet_id = delivery.packet_id;
  effect.conn = conn;
  effect.after = after;
  effect.message = delivery.message;
  effect.detail = delivery.detail;
}

void emit_ack(ConnId conn, EffectKind kind, std::uint16_t packet_id, mqtt::Reason reason, Lsn after,
              Effects& out) {
  Effect& effect = out.emplace_back();
  effect.kind = kind;
  effect.reason = reason;
  effect.packet_id = packet_id;
  effect.conn = conn;
  effect.after = after;
}

}  // namespace tandemq::core
