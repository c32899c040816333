// meta.json: what a node knows durably about itself (replicator/core/types.h), replaced as a whole.
#pragma once

#include <string>
#include <string_view>

#include "broker/base/result.h"
#include "replicator/core/types.h"

namespace tandemq::repl {

// A default-constructed Meta when the file does not exist. Error code 4: damaged.
Result<Meta> load_meta(const std::string& path);

// Durable when it returns: temporary file, fsync, rename, fsync of the folder.
Status save_meta(const std::string& path, const Meta& meta);

// Writes a whole file durably, as save_meta does.
Status write_file_durably(const std::string& path, std::string_view content);

}  // namespace tandemq::repl
