// Lines of ACL files, as text.
#pragma once

#include <string_view>

namespace tandemq::broker {

inline std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace tandemq::broker
