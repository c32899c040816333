// Users and their password hashes, in the format of mosquitto_passwd:
// `user:$7$iterations$salt$hash` (PBKDF2 with SHA-512) or `user:$6$salt$hash` (SHA-512 over
// password and salt); salt and hash in base64.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace tandemq::broker {

class PasswordFile {
 public:
  // The error names file, line and remedy.
  static Result<PasswordFile> load(const std::string& path);
  static Result<PasswordFile> parse(std::string_view text, const std::string& path);

  // Compares in constant time. An unknown user costs as much as a known one.
  bool verify(const std::string& user, std::string_view password) const;
  std::size_t size() const { return users_.size(); }

 private:
  struct Entry {
    int iterations = 0;  // 0: $6$
    std::string salt;
    std::string hash;
  };
  static Result<Entry> parse_entry(std::string_view text);

  std::map<std::string, Entry> users_;
};

}  // namespace tandemq::broker
