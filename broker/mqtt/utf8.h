// Scanning of strings eight bytes at a time. Private to broker/mqtt.
#pragma once

#include <string_view>

namespace tandemq::mqtt {

// valid_utf8, and neither + nor # inside: what topic names have to be, seen in one pass.
enum class NameCheck { ok, not_utf8, has_wildcard };
NameCheck check_name(std::string_view s);

}  // namespace tandemq::mqtt
