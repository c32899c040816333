// Who may connect: password file and allow_anonymous. Who may do what: the ACL.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "broker/base/result.h"
#include "broker/mqtt/packet.h"
#include "broker/mqtt/reason.h"
#include "broker/shell/acl.h"
#include "broker/shell/config.h"
#include "broker/shell/password_file.h"

namespace tandemq::broker {

class Authenticator {
 public:
  explicit Authenticator(const Config& config) : config_(config) {}

  // Reads the files again. On an error the rules stay as they are.
  Status reload();

  // success, bad_username_or_password, not_authorized or bad_authentication_method.
  mqtt::Reason check(const mqtt::Connect& packet) const;

  // Null when no ACL file is configured: all is allowed. Stays where it is across reload().
  const core::Permissions* permissions() const {
    return config_.acl_file.empty() ? nullptr : &acl_;
  }

 private:
  const Config& config_;
  std::optional<PasswordFile> passwords_;
  Acl acl_;
};

}  // namespace tandemq::broker
