// A whole file as text. A folder can be opened, but not read: that is an error too.
#pragma once

#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace tandemq {

// The error is the system's reason alone, with code kExitConfiguration; callers add file and
// remedy.
Result<std::string> read_text_file(const std::string& path);

// Some editors put U+FEFF before all else: it is no part of the first line.
inline std::string_view without_byte_order_mark(std::string_view text) {
  return text.starts_with("\xef\xbb\xbf") ? text.substr(3) : text;
}

}  // namespace tandemq
