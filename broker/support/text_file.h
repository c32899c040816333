// A whole file as text. A folder can be opened, but not read: that is an error too.
#pragma once

#include <string>

#include "broker/base/result.h"

namespace tandemq {

// The error is the system's reason alone, with code kExitConfiguration; callers add file and
// remedy.
Result<std::string> read_text_file(const std::string& path);

}  // namespace tandemq
