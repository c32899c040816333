// A DISCONNECT's Reason String where the decoder gave none. For people, and for clients that look
// at the reason code of a DISCONNECT with properties only (paho-mqtt 1.6).
#pragma once

#include <string_view>

#include "broker/mqtt/reason.h"

namespace tandemq::broker {

constexpr std::string_view reason_text(mqtt::Reason reason) {
  switch (reason) {
    case mqtt::Reason::session_taken_over:
      return "another connection uses this client identifier now";
    case mqtt::Reason::keep_alive_timeout:
      return "nothing was heard for one and a half times the keep alive";
    case mqtt::Reason::server_shutting_down:
      return "this node stops serving, connect again";
    case mqtt::Reason::receive_maximum_exceeded:
      return "more unacknowledged messages than the receive maximum in CONNACK";
    case mqtt::Reason::topic_alias_invalid:
      return "topic alias above the maximum in CONNACK";
    case mqtt::Reason::packet_too_large:
      return "the answer is larger than the maximum packet size in CONNECT";
    default:
      return "the packet does not fit the state of the connection";
  }
}

}  // namespace tandemq::broker
