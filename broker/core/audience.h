// Who is told what a record brings, while it is applied on the primary: the clients that are
// attached. A standby and a recovery have no audience.
#pragma once

#include "broker/core/effects.h"
#include "broker/core/seats.h"

namespace tandemq::core {

struct Audience {
  const Seats& seats;
  Effects& out;

  // 0: none is attached to the session.
  ConnId conn_of(const Session& session) const { return seats.of(session).attachment.conn; }
};

// The PUBLISH of a delivery in flight.
void emit_publish(ConnId conn, const Delivery& delivery, bool dup, Lsn after, Effects& out);
void emit_ack(ConnId conn, EffectKind kind, std::uint16_t packet_id, mqtt::Reason reason, Lsn after,
              Effects& out);

}  // namespace tandemq::core
