#include "broker/mqtt/topic.h"

#include <cstddef>

namespace tandemq::mqtt {
namespace {

constexpr std::string_view share_prefix = "$share/";
constexpr std::size_t topic_size_max = 65535;

// The level that begins at `at`, up to the next / or the end.
std::string_view level_at(std::string_view s, std::size_t at) {
  const std::size_t slash = s.find('/', at);
  return s.substr(at, slash == std::string_view::npos ? slash : slash - at);
}

// Wildcards stand alone in their level, # in the last one only.
bool wildcards_placed_well(std::string_view filter) {
  for (std::size_t at = 0; at <= filter.size();) {
    const std::string_view level = level_at(filter, at);
    if (has_wildcard(level) && level.size() != 1) return false;
    at += level.size() + 1;
    if (level == "#" && at <= filter.size()) return false;
  }
  return true;
}

}  // namespace

bool valid_topic_name(std::string_view topic) {
  return !topic.empty() && topic.size() <= topic_size_max && !has_wildcard(topic);
}

bool valid_topic_filter(std::string_view filter) {
  if (filter.empty() || filter.size() > topic_size_max) return false;
  if (filter.starts_with(share_prefix)) {
    const SharedFilter shared = split_shared(filter);
    if (shared.group.empty() || has_wildcard(shared.group) || shared.filter.empty()) return false;
    filter = shared.filter;
  }
  return wildcards_placed_well(filter);
}

bool has_wildcard(std::string_view filter) {
  return filter.find_first_of("+#") != std::string_view::npos;
}

bool topic_matches(std::string_view filter, std::string_view topic) {
  if (filter.empty() || topic.empty()) return false;
  if (topic[0] == '$' && filter[0] != '$') return false;
  std::size_t f = 0;
  std::size_t t = 0;
  while (true) {
    const std::string_view wanted = level_at(filter, f);
    if (wanted == "#") return true;
    const std::string_view level = level_at(topic, t);
    if (wanted != "+" && wanted != level) return false;
    f += wanted.size() + 1;
    t += level.size() + 1;
    if (t > topic.size()) {
      // The name has ended: so must the filter, or a # that also stands for the parent level.
      return f > filter.size() || filter.substr(f) == "#";
    }
    if (f > filter.size()) return false;
  }
}

SharedFilter split_shared(std::string_view filter) {
  if (!filter.starts_with(share_prefix)) return {{}, filter};
  const std::size_t begin = share_prefix.size();
  const std::size_t slash = filter.find('/', begin);
  if (slash == std::string_view::npos) return {{}, filter};
  return {filter.substr(begin, slash - begin), filter.substr(slash + 1)};
}

}  // namespace tandemq::mqtt
