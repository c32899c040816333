// Walking a topic or filter level by level without copying it.
#pragma once

#include <cstddef>
#include <string_view>

namespace tandemq::core {

// Takes the first level off `rest`; afterwards `more` tells whether another follows.
inline std::string_view take_level(std::string_view& rest, bool& more) {
  const std::size_t slash = rest.find('/');
  more = slash != std::string_view::npos;
  const std::string_view level = rest.substr(0, slash);
  rest = more ? rest.substr(slash + 1) : std::string_view();
  return level;
}

// At least 1.
inline std::size_t level_count(std::string_view topic) {
  std::size_t count = 1;
  for (char c : topic) count += c == '/';
  return count;
}

}  // namespace tandemq::core
