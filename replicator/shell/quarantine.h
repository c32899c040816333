// quarantine/<epoch>-<first>-<last>.frames: records that were acknowledged here and lost to another
// history, as journal frames, kept for replay by the operator.
#pragma once

#include <functional>
#include <string>

#include "broker/base/result.h"
#include "replicator/journal/journal.h"

namespace tandemq::repl {

// Copies the records first..last of the journal, durably, piece by piece; `goes_on` is called again
// and again meanwhile. Returns the file's path.
Result<std::string> quarantine(Journal& journal, const std::string& folder, Lsn first, Lsn last,
                               const std::function<void()>& goes_on);

}  // namespace tandemq::repl
