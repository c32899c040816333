#include "broker/shell/authenticator.h"

namespace tandemq::broker {

Status Authenticator::reload() {
  if (!config_.password_file.empty()) {
    Result<PasswordFile> file = PasswordFile::load(config_.password_file);
    if (!file) return file.error();
    passwords_ = std::move(file).value();
  }
  return config_.acl_file.empty() ? Status(Done{}) : acl_.load(config_.acl_file);
}

mqtt::Reason Authenticator::check(const mqtt::Connect& packet) const {
  using mqtt::Reason;
  if (packet.properties.has(mqtt::Property::authentication_method)) {
    return Reason::bad_authentication_method;
  }
  if (!packet.has_username) {
    return config_.allow_anonymous ? Reason::success : Reason::not_authorized;
  }
  if (!passwords_) return config_.allow_anonymous ? Reason::success : Reason::not_authorized;
  return passwords_->verify(std::string(packet.username), packet.password)
             ? Reason::success
             : Reason::bad_username_or_password;
}

}  // namespace tandemq::broker
