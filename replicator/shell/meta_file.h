// meta.json: what a node knows durably about itself (replicator/core/types.h), replaced as a whole.
#pragma once

#include <string>

#include "broker/base/result.h"
#include "replicator/core/types.h"

namespace tandemq::repl {

// A default-constructed Meta when the file does not exist. Error code 4: damaged.
Result<Meta> load_meta(const std::string& path);

// Durable when it returns.
Status save_meta(const std::string& path, const Meta& meta);

}  // namespace tandemq::repl
