// Log lines about clients, in the words that mosquitto's users know.
#pragma once

#include <string_view>

#include "broker/clients/client.h"
#include "broker/core/effects.h"
#include "broker/mqtt/packet.h"
#include "broker/support/log.h"

namespace tandemq::broker {

// "Client NAME WHAT."
void log_client(LogLevel level, std::string_view event, const Client& client,
                std::string_view what);
void log_lost(const Client& client);
void log_connected(const Client& client, const mqtt::Connect& packet);
// Its bytes are no MQTT, or more than is allowed.
void log_malformed(const Client& client);
void log_refused(const Client& client);  // by the access rules
void log_condemned(const Client& client, const core::Effect& effect);
void log_oversize(const Client& client);

}  // namespace tandemq::broker
