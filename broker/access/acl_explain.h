// Which line of an acl_file decides: for people, who ask once. What clients may do is asked of the
// grants that the same lines make.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace tandemq::broker {

enum class AclAction : std::uint8_t { publish, receive, subscribe };

// Who wants what. `topic`: of subscribe a filter, shared ones too.
struct AclQuestion {
  AclAction action = AclAction::publish;
  std::string topic;
  std::string client_id;
  std::string username;           // empty: anonymous
  bool names_with_slash = false;  // as Acl::grants
};

struct AclAnswer {
  bool allowed = false;
  int line = 0;      // from 1; 0: no line speaks of it, so nothing allows it
  std::string rule;  // the line, without what is around it
};

// Of the text of a whole file. The error is Acl::parse's, or says what is wrong with the topic.
Result<AclAnswer> explain_acl(std::string_view text, const std::string& path,
                              const AclQuestion& question);

}  // namespace tandemq::broker
