// A replicator on libevent, files and sockets.
#pragma once

#include "replicator/driver/replicator.h"
#include "replicator/shell/link_tls.h"

struct event_base;

namespace tandemq::repl {

// Opens data_dir and recovers (Replicator::open); Error::code is the exit code. `tls` has been
// loaded and outlives it.
Result<std::unique_ptr<Replicator>> open_replicator(
    event_base* base, const ReplicatorConfig& config, LinkTls& tls, ReplicatorHost& host,
    Lsn checkpoint_lsn, const std::function<void(const Replicator::Progress&)>& progress);

}  // namespace tandemq::repl
