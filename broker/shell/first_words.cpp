#include "broker/shell/first_words.h"

namespace tandemq::broker {

namespace {

// Empty: nobody is known.
std::string users_of(const AccessSection& access) {
  std::string out;
  if (!access.password_file.empty()) out = "the users of " + access.password_file;
  const auto add = [&](const std::string& more) { out += (out.empty() ? "" : " and ") + more; };
  if (access.runtime_users) add("those of tandemqctl user");
  if (access.tokens.on()) add("who has a token by " + access.tokens.keys_file);
  if (access.http.on()) add("whom " + access.http.shown() + " lets in");
  return out;
}

}  // namespace

std::string lets_in(const ListenerSection& listener) {
  const std::string users = users_of(listener.access);
  if (!listener.lets_anonymous_in()) return users.empty() ? "nobody" : users;
  const std::string everyone = listener.is_local() ? "everyone on this host" : "everyone";
  return users.empty() ? everyone : everyone + ", and " + users;
}

std::string first_words(const Config& config) {
  std::string out;
  for (const ListenerSection& one : config.listeners) {
    out += out.empty() ? "" : "; ";
    out += one.where() + " is for " + lets_in(one);
  }
  if (!config.metrics.listen.empty()) out += "; metrics are at " + config.metrics.listen;
  if (config.replication.single) {
    return out +
           "; this node is by itself. To let others in, name an address and a password_file "
           "(mosquitto_passwd makes it); for a pair, see tandemq(7)";
  }
  return out + "; this node is one of a pair with " + config.replication.peer_name +
         ": it serves when tandemq-agent or `tandemqctl promote` makes it primary";
}

}  // namespace tandemq::broker
