// Log lines about clients, in the words that mosquitto's users know.
#pragma once

#include <string_view>
#include <vector>

#include "broker/clients/client.h"
#include "broker/core/denials.h"
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
// Its log-in, or the identifier that it wants. `user`: as it says.
void log_refused(const Client& client, std::string_view user, const Verdict& verdict);
// What clients may not, or what could not be kept for them.
void tell_denials(const std::vector<core::Denial>& denials);
// It was let in, and would not be now.
void log_revoked(const Client& client, std::string_view why);
void log_condemned(const Client& client, const core::Effect& effect);
void log_oversize(const Client& client);
// Memory is critical, and so many bytes wait for it or of it.
void log_heavy(const Client& client, std::size_t bytes);

}  // namespace tandemq::broker
