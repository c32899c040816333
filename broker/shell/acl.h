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
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/core/commands.h"

namespace tandemq::broker {

// True when some topic name matches both filters.
bool filters_overlap(std::string_view a, std::string_view b);

class Acl : public core::Permissions {
 public:
  // Both replace the rules only when all lines are good; the error names file, line and remedy.
  Status load(const std::string& path);
  Status parse(std::string_view text, const std::string& path);

  bool may_publish(std::string_view client_id, std::string_view username,
                   std::string_view topic) const override;
  bool may_receive(std::string_view client_id, std::string_view username,
                   std::string_view topic) const override;
  bool may_subscribe(std::string_view client_id, std::string_view username,
                     std::string_view filter) const override;

 private:
  enum Access : std::uint8_t { kDeny = 0, kRead = 1, kWrite = 2 };
  struct Rule {
    std::uint8_t access = kRead | kWrite;
    std::string filter;
  };
  using Rules = std::vector<Rule>;
  struct Book {
    std::map<std::string, Rules, std::less<>> users;  // "" is anonymous
    Rules patterns;
  };
  static Status parse_line(std::string_view line, Book& book, std::string& user);
  bool allowed(std::string_view client_id, std::string_view username, std::string_view topic,
               Access access) const;

  Book book_;
};

}  // namespace tandemq::broker
