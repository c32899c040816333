// Snapshots as files: read for the peer, and received from it.
#pragma once

#include "replicator/driver/ports.h"

namespace tandemq::repl {

Result<std::unique_ptr<SnapshotReader>> open_snapshot(const std::string& path);
// Makes the file, with room for all of it.
Result<std::unique_ptr<SnapshotWriter>> create_snapshot(const std::string& path,
                                                        std::uint64_t bytes);

}  // namespace tandemq::repl
