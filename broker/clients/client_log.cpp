#include "broker/clients/client_log.h"

#include <string>

namespace tandemq::broker {
namespace {

std::string about(const Client& client, std::string_view what) {
  return std::string("Client ") + client.name() + " " + std::string(what);
}

const char* kind_of_fault(mqtt::Reason reason) {
  switch (reason) {
    case mqtt::Reason::malformed_packet:
      return "malformed packet";
    case mqtt::Reason::packet_too_large:
      return "oversize packet";
    default:
      return "protocol error";
  }
}

const char* reason_of(core::Denial::What what) {
  switch (what) {
    case core::Denial::What::publish:
      return "no rule lets it publish there";
    case core::Denial::What::subscribe:
      return "no rule lets it receive any of that";
    case core::Denial::What::queue_full:
      return "its queue is full, the message is dropped";
    case core::Denial::What::queues_full:
      return "limits.queued_messages_total_max or queued_bytes_total_max is reached, the message "
             "is dropped";
    case core::Denial::What::queue_oldest:
      return "no room for a newer message, its oldest one is dropped";
  }
  return "";
}

}  // namespace

void log_client(LogLevel level, std::string_view event, const Client& client,
                std::string_view what) {
  log(level, event,
      {{"address", client.channel.peer_address()}, {"text", about(client, what) + "."}});
}

void log_lost(const Client& client) {
  if (!client.hears()) return;  // it was sent away, or has said good-bye
  const bool known = client.stage() == Stage::serving;
  log_client(known ? LogLevel::notice : LogLevel::info, "client_lost", client,
             "closed its connection");
}

void log_connected(const Client& client, const mqtt::Connect& packet) {
  if (!log_enabled(LogLevel::notice)) return;
  const std::string user =
      packet.has_username ? ", u'" + std::string(packet.username) + "'" : std::string();
  log(LogLevel::notice, "client_connected",
      {{"text", "New client connected from " + client.channel.peer_address() + " as " +
                    client.name() + " (p" + std::to_string(static_cast<int>(packet.version)) +
                    ", c" + (packet.clean_start ? "1" : "0") + ", k" +
                    std::to_string(packet.keep_alive_s) + user + ")."}});
}

void log_malformed(const Client& client) {
  const std::string fault = kind_of_fault(client.decoder.error_reason());
  log(LogLevel::notice, "client_refused",
      {{"address", client.channel.peer_address()},
       {"text", about(client, "disconnected due to " + fault + ".")},
       {"reason", client.decoder.error_text()}});
}

// One form for ever: packaging/fail2ban reads it.
void log_refused(const Client& client, std::string_view user, const Verdict& verdict) {
  const bool by_login = verdict.reason == mqtt::Reason::bad_username_or_password ||
                        verdict.reason == mqtt::Reason::not_authorized;
  log(LogLevel::notice, by_login ? "login_failed" : "client_refused",
      {{"address", client.channel.peer_address()},
       {"listener", client.entrance.name},
       {"user", std::string(user)},
       {"reason", verdict.cause},
       {"text", about(client, by_login ? "disconnected, not authorised." : "is not let in.")}});
}

void tell_denials(const std::vector<core::Denial>& denials) {
  using What = core::Denial::What;
  for (const core::Denial& one : denials) {
    const bool full = one.what >= What::queue_full;
    log(full ? LogLevel::warning : LogLevel::notice, full ? "queue_full" : "denied",
        {{"client", one.client_id},
         {"user", one.username},
         {"topic", one.topic},
         {"reason", reason_of(one.what)}});
  }
}

void log_revoked(const Client& client, std::string_view why) {
  log(LogLevel::notice, "client_revoked",
      {{"address", client.channel.peer_address()},
       {"text", about(client, "disconnected, not authorised.")},
       {"reason", std::string(why)}});
}

void log_condemned(const Client& client, const core::Effect& effect) {
  if (effect.reason == mqtt::Reason::session_taken_over) {
    log(LogLevel::notice, "client_taken_over",
        {{"address", client.channel.peer_address()},
         {"text", about(client, "already connected, closing old connection.")}});
  } else if (client.stage() == Stage::serving) {
    log(LogLevel::notice, "client_closed",
        {{"address", client.channel.peer_address()},
         {"text", about(client, effect.reason == mqtt::Reason::not_authorized
                                    ? "disconnected, not authorised."
                                    : "disconnected due to protocol error.")},
         {"code", static_cast<unsigned>(effect.reason)},
         {"reason", effect.detail ? effect.detail->reason_string : std::string()}});
  }
}

void log_heavy(const Client& client, std::size_t bytes) {
  log(LogLevel::warning, "slow_reader_closed",
      {{"address", client.channel.peer_address()},
       {"text", about(client, "disconnected, memory is short and it does not take what waits.")},
       {"bytes", bytes},
       {"reason", "limits.memory_max is near"}});
}

void log_oversize(const Client& client) {
  log(LogLevel::notice, "client_closed",
      {{"address", client.channel.peer_address()},
       {"text", about(client, "disconnected due to oversize packet.")},
       {"reason", "an answer would exceed the client's maximum packet size"},
       {"maximum_packet_size", client.packet_max}});
}

}  // namespace tandemq::broker
