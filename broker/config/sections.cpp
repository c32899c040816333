#include "broker/config/sections.h"

#include "broker/support/endpoint.h"

namespace tandemq::broker {

// Through a proxy everybody may come.
bool ListenerSection::is_local() const {
  return (is_unix() || is_loopback(address)) && !proxy.on();
}

std::string ListenerSection::where() const {
  return is_unix() ? socket.path : shown({address, port});
}

bool ListenerSection::lets_anonymous_in() const {
  return access.allow_anonymous.value_or(!access.checks_logins() && is_local());
}

bool ListenerSection::admits_pages_unseen() const {
  return (lets_anonymous_in() && (is_local() || tls.require_certificate)) ||
         tls.certificate_username != net::CertificateName::none;
}

std::string ListenerSection::line_to_open() const {
  return "write `password_file = \"FILE\"` (made by `mosquitto_passwd -c FILE USER`) or "
         "`allow_anonymous = true` below [[listener]] " +
         name + ", or below [auth] for all";
}

}  // namespace tandemq::broker
