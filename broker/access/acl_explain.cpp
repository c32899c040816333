#include "broker/access/acl_explain.h"

#include <vector>

#include "broker/access/acl.h"
#include "broker/access/acl_text.h"
#include "broker/mqtt/topic.h"
#include "broker/support/text_file.h"

namespace tandemq::broker {
namespace {

bool allows(const core::Grants& grants, const AclQuestion& asked) {
  switch (asked.action) {
    case AclAction::publish:
      return grants.may_publish(asked.topic);
    case AclAction::receive:
      return grants.may_receive(asked.topic);
    case AclAction::subscribe:
      return grants.may_subscribe(asked.topic);
  }
  return false;
}

// Of a line that says `user NAME` the name, else nothing.
std::string_view user_of(std::string_view line) {
  const bool names = line.starts_with("user ") || line.starts_with("user\t");
  return names ? trim(line.substr(4)) : std::string_view{};
}

struct Line {
  int number;
  std::string rule;
};

// The lines that speak of this client.
std::vector<Line> lines_for(std::string_view text, const AclQuestion& asked) {
  std::vector<Line> found;
  std::string_view section;  // the user whose `topic` lines follow
  text = without_byte_order_mark(text);
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (const std::string_view user = user_of(line); !user.empty()) section = user;
    if (line.starts_with("pattern") || (line.starts_with("topic") && section == asked.username))
      found.push_back({number, std::string(line)});
  }
  return found;
}

// What these lines alone come to.
bool allow(const std::vector<std::string>& rules, const AclQuestion& asked) {
  const Result<Acl> acl = Acl::of_user(asked.username, rules);
  return acl &&
         allows(*acl->grants(asked.client_id, asked.username, asked.names_with_slash), asked);
}

// Of what is allowed the first line that allows it; else the first that takes away what another
// gives.
const Line* deciding(const std::vector<Line>& lines, const AclQuestion& asked, bool allowed) {
  std::vector<const Line*> giving;
  for (const Line& one : lines) {
    if (allow({one.rule}, asked)) giving.push_back(&one);
  }
  if (allowed || giving.empty()) return giving.empty() ? nullptr : giving.front();
  for (const Line& one : lines) {
    for (const Line* given : giving) {
      if (!allow({given->rule, one.rule}, asked)) return &one;
    }
  }
  return nullptr;
}

Status check_topic(const AclQuestion& asked) {
  if (asked.action == AclAction::subscribe) {
    if (mqtt::valid_topic_filter(mqtt::split_shared(asked.topic).filter)) return Done{};
    return Error{"'" + asked.topic + "' is no topic filter"};
  }
  if (mqtt::valid_topic_name(asked.topic)) return Done{};
  return Error{"'" + asked.topic + "' is no topic name; wildcards are for subscribe"};
}

}  // namespace

Result<AclAnswer> explain_acl(std::string_view text, const std::string& path,
                              const AclQuestion& question) {
  const Status sound = check_topic(question);
  if (!sound) return sound.error();
  const Result<Acl> whole = Acl::parse(text, path);
  if (!whole) return whole.error();
  AclAnswer answer;
  answer.allowed = allows(
      *whole->grants(question.client_id, question.username, question.names_with_slash), question);
  const std::vector<Line> lines = lines_for(text, question);
  if (const Line* line = deciding(lines, question, answer.allowed)) {
    answer.line = line->number;
    answer.rule = line->rule;
  }
  return answer;
}

}  // namespace tandemq::broker
