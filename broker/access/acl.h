// Permission rules in the format of mosquitto's acl_file:
//   topic [read|write|readwrite|deny] FILTER     of the user above, or of anonymous clients
//   user NAME
//   pattern [read|write|readwrite|deny] FILTER   of everybody, %c and %u stand for client and user
// Nothing is allowed that no rule allows; `deny` is stronger than the rest. Unlike mosquitto, which
// accepts every SUBSCRIBE and drops what may not be read, a subscription that could receive nothing
// at all is refused.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/core/grants.h"

namespace tandemq::broker {

struct AclRule {
  enum Access : std::uint8_t { kDeny = 0, kRead = 1, kWrite = 2 };
  std::uint8_t access = kRead | kWrite;
  std::string filter;

  bool denies() const { return access == kDeny; }
};
using AclRules = std::vector<AclRule>;

class Acl {
 public:
  // The error names file, line and remedy.
  static Result<Acl> load(const std::string& path);
  static Result<Acl> parse(std::string_view text, const std::string& path);

  // Lines as in a file, all of `user`, who no line may name. The error is about the first wrong
  // one.
  static Result<Acl> of_user(const std::string& user, const std::vector<std::string>& lines);

  // Never null. `username` is "" for anonymous clients. Shares the rules with this Acl and may
  // outlive it. A name with a slash fills a pattern that grants only where `names_with_slash` says
  // so: of pattern dev/%c/# client a/b would have what is a's.
  core::GrantsRef grants(std::string_view client_id, std::string_view username,
                         bool names_with_slash = false) const {
    return grants(client_id, username, names_with_slash, username);
  }
  // The same, of the `topic` lines those below `user` SECTION ("": above any).
  core::GrantsRef grants(std::string_view client_id, std::string_view username,
                         bool names_with_slash, std::string_view section) const;
  // The same in parts: adds what all clients of the section share, and what is this client's own.
  void add_grants(std::string_view client_id, std::string_view username, bool names_with_slash,
                  std::string_view section, std::vector<std::shared_ptr<const AclRules>>& shared,
                  AclRules& own) const;
  // Lines that are good by the letter and may not be meant, with file, line and remedy.
  const std::vector<std::string>& doubts() const { return doubts_; }
  // Of the text that it was read from.
  std::uint32_t checksum() const { return checksum_; }

 private:
  using Users = std::map<std::string, std::shared_ptr<AclRules>, std::less<>>;
  Status parse_line(std::string_view line, std::string& user);
  AclRules& rules_of(const std::string& user);

  Users users_;  // "" is anonymous
  AclRules patterns_;
  std::vector<std::string> doubts_;
  std::uint32_t checksum_ = 0;
};

}  // namespace tandemq::broker
