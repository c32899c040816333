#include "broker/shell/secret_files.h"

#include <algorithm>
#include <map>
#include <utility>

#include "broker/net/tls_tickets.h"
#include "broker/support/file_mode.h"

namespace tandemq::broker {

std::vector<std::string> doubts_about_modes(const Config& config) {
  std::map<std::string, const char*> files;  // each once, with its key
  for (const ListenerSection& one : config.listeners) {
    for (const std::string& key : one.tls.keyfile) files[key] = "keyfile";
    files[one.access.password_file] = "password_file";
  }
  const repl::LinkTlsFiles& link = config.replication.tls;
  files[link.keyfile.empty() ? link.certfile : link.keyfile] = "replication.keyfile";
  files[config.tls.ticket_secret_file] = "tls.ticket_secret_file";
  std::vector<std::string> doubts;
  for (const auto& [path, key] : files) {
    std::string doubt = doubt_about_mode(key, path, "the broker");
    if (!doubt.empty()) doubts.push_back(std::move(doubt));
  }
  return doubts;
}

Status hide_names(const Config& config, Access& access) {
  const auto keeps_passwords = [](const auto& one) { return one.access.keeps_passwords(); };
  if (config.tls.ticket_secret_file.empty() ||
      std::none_of(config.listeners.begin(), config.listeners.end(), keeps_passwords))
    return Done{};
  Result<std::string> secret = net::TicketKeys::secret_from(config.tls.ticket_secret_file);
  if (!secret) return secret.error();
  access.hide_names_by(std::move(secret).value());
  return Done{};
}

}  // namespace tandemq::broker
