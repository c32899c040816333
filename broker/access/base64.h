// Base64 as RFC 4648 section 4 has it: `+` and `/`, padded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tandemq::broker {

std::string to_base64(std::string_view bytes);

// None when `text` is something else, or not the one way to write its bytes.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace tandemq::broker
