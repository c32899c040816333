#include "broker/shell/acl.h"

#include "broker/base/exit_code.h"
#include "broker/mqtt/topic.h"
#include "broker/support/text_file.h"

namespace tandemq::broker {
namespace {

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string_view take_word(std::string_view& text) {
  const std::size_t end = text.find_first_of(" \t");
  const std::string_view word = text.substr(0, end);
  text = end == text.npos ? std::string_view{} : trim(text.substr(end));
  return word;
}

std::string_view take_level(std::string_view& filter, bool& last) {
  const std::size_t slash = filter.find('/');
  const std::string_view level = filter.substr(0, slash);
  last = slash == filter.npos;
  filter = last ? std::string_view{} : filter.substr(slash + 1);
  return level;
}

// The filter of a pattern for one client; empty when a name would change the filter's meaning.
std::string fill_in(std::string_view pattern, std::string_view client, std::string_view user) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const std::string_view two = pattern.substr(i, 2);
    if (two != "%c" && two != "%u") {
      out += pattern[i];
      continue;
    }
    const std::string_view name = two == "%c" ? client : user;
    if (name.empty() || name.find_first_of("+#/") != name.npos) return {};
    out += name;
    ++i;
  }
  return out;
}

}  // namespace

bool filters_overlap(std::string_view a, std::string_view b) {
  bool a_last = false;
  bool b_last = false;
  for (bool first = true;; first = false) {
    const std::string_view x = take_level(a, a_last);
    const std::string_view y = take_level(b, b_last);
    if (first) {  // a wildcard at the beginning does not match $ topics
      const bool x_wild = x == "#" || x == "+";
      const bool y_wild = y == "#" || y == "+";
      if ((x_wild && y.starts_with('$')) || (y_wild && x.starts_with('$'))) return false;
    }
    if (x == "#" || y == "#") return true;
    if (x != "+" && y != "+" && x != y) return false;
    if (a_last && b_last) return true;
    if (a_last) return b == "#";  // "a" and "a/#"
    if (b_last) return a == "#";
  }
}

Status Acl::parse_line(std::string_view line, Book& book, std::string& user) {
  const std::string_view keyword = take_word(line);
  if (keyword == "user") {
    if (line.empty()) return Error{"names no user; write `user NAME`"};
    user = line;
    book.users[user];
    return Done{};
  }
  if (keyword != "topic" && keyword != "pattern") {
    return Error{"begins with '" + std::string(keyword) + "'; write topic, user or pattern"};
  }
  Rule rule;
  std::string_view rest = line;
  const std::string_view access = take_word(rest);
  if (!rest.empty()) {
    if (access == "read") rule.access = kRead;
    if (access == "write") rule.access = kWrite;
    if (access == "deny") rule.access = kDeny;
    if (access == "read" || access == "write" || access == "deny" || access == "readwrite") {
      line = rest;
    }
  }
  if (!mqtt::valid_topic_filter(line)) {
    return Error{"has '" + std::string(line) +
                 "', which is no topic filter; write `topic [read|write|readwrite|deny] FILTER`"};
  }
  rule.filter = line;
  (keyword == "topic" ? book.users[user] : book.patterns).push_back(std::move(rule));
  return Done{};
}

Status Acl::parse(std::string_view text, const std::string& path) {
  Book book;
  std::string user;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    Status parsed = parse_line(line, book, user);
    if (!parsed) {
      return Error{path + ":" + std::to_string(number) + ": the line " + parsed.error().message,
                   kExitConfiguration};
    }
  }
  book_ = std::move(book);
  return Done{};
}

Status Acl::load(const std::string& path) {
  const Result<std::string> text = read_text_file(path);
  if (!text) {
    return Error{"auth.acl_file " + path + " cannot be read: " + text.error().message +
                     "; create it and let the broker's user read it",
                 kExitConfiguration};
  }
  return parse(*text, path);
}

bool Acl::allowed(std::string_view client_id, std::string_view username, std::string_view topic,
                  Access access) const {
  bool granted = false;
  const auto user = book_.users.find(username);
  if (user != book_.users.end()) {
    for (const Rule& rule : user->second) {
      if (rule.access != kDeny && !(rule.access & access)) continue;
      if (!mqtt::topic_matches(rule.filter, topic)) continue;
      if (rule.access == kDeny) return false;
      granted = true;
    }
  }
  for (const Rule& rule : book_.patterns) {
    if (rule.access != kDeny && !(rule.access & access)) continue;
    const std::string filter = fill_in(rule.filter, client_id, username);
    if (filter.empty() || !mqtt::topic_matches(filter, topic)) continue;
    if (rule.access == kDeny) return false;
    granted = true;
  }
  return granted;
}

bool Acl::may_publish(std::string_view client_id, std::string_view username,
                      std::string_view topic) const {
  return allowed(client_id, username, topic, kWrite);
}

bool Acl::may_receive(std::string_view client_id, std::string_view username,
                      std::string_view topic) const {
  return allowed(client_id, username, topic, kRead);
}

bool Acl::may_subscribe(std::string_view client_id, std::string_view username,
                        std::string_view filter) const {
  const std::string_view plain = mqtt::split_shared(filter).filter;
  const auto user = book_.users.find(username);
  if (user != book_.users.end()) {
    for (const Rule& rule : user->second) {
      if ((rule.access & kRead) && filters_overlap(rule.filter, plain)) return true;
    }
  }
  for (const Rule& rule : book_.patterns) {
    if (!(rule.access & kRead)) continue;
    const std::string own = fill_in(rule.filter, client_id, username);
    if (!own.empty() && filters_overlap(own, plain)) return true;
  }
  return false;
}

}  // namespace tandemq::broker
