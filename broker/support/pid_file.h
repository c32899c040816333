// The file that names a daemon's process, for scripts and init systems without control groups.
#pragma once

#include <string>

#include "broker/base/result.h"

namespace tandemq {

// Writes the process number; an empty path does nothing. The error has code 3.
Status write_pid_file(const std::string& path);

}  // namespace tandemq
