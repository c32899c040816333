// Users and their password hashes, in the format of mosquitto_passwd:
// `user:$7$iterations$salt$hash` (PBKDF2 with SHA-512) or `user:$6$salt$hash` (SHA-512 over
// password and salt); and of `tandemqctl passwd --scram`, as PostgreSQL writes it:
// `user:SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`. Salt, hash and keys in base64.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "broker/access/scram.h"
#include "broker/base/result.h"

namespace tandemq::broker {

struct PasswordHash {
  int iterations = 0;  // 0: $6$
  std::string salt;
  std::string hash;             // of SCRAM: StoredKey
  std::string server_key = {};  // of SCRAM; empty: it is of another kind

  static PasswordHash of(ScramVerifier verifier);
  bool is_scram() const { return !server_key.empty(); }
  ScramVerifier verifier() const { return {iterations, salt, hash, server_key}; }  // of SCRAM
  // Compares in constant time. Takes its time: not on the loop. May be called on any thread.
  bool matches(std::string_view password) const;
  bool operator==(const PasswordHash&) const = default;
};

class PasswordFile {
 public:
  // The error names file, line and remedy.
  static Result<PasswordFile> load(const std::string& path);
  static Result<PasswordFile> parse(std::string_view text, const std::string& path);

  // Null when there is no such user.
  const PasswordHash* find(std::string_view user) const;
  // No password matches it, and trying one takes as long as for most users of this file: whether a
  // user is known cannot be told from the time.
  const PasswordHash& of_nobody() const { return of_nobody_; }
  // Of most entries of SCRAM here, for whom is not known.
  int scram_iterations() const { return scram_iterations_; }
  std::size_t size() const { return users_.size(); }
  // Of the text that it was read from.
  std::uint32_t checksum() const { return checksum_; }

  // What stands behind a user's colon.
  static Result<PasswordHash> parse_entry(std::string_view text);
  // Of a file without users.
  static PasswordHash hash_of_nobody();
  // No password matches it, and trying one takes as long as with `entry`.
  static PasswordHash hash_of_nobody_like(PasswordHash entry);

 private:
  std::map<std::string, PasswordHash, std::less<>> users_;
  PasswordHash of_nobody_;
  int scram_iterations_ = kScramIterationsMin;
  std::uint32_t checksum_ = 0;
};

}  // namespace tandemq::broker
