// Base64 as RFC 4648 section 5 has it: `-` and `_`, no padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tandemq::broker {

// None when `text` is something else, or not the one way to write its bytes.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace tandemq::broker
