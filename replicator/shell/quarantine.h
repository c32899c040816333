// quarantine/<epoch>-<first>-<last>.frames: records that were acknowledged here and lost to another
// history, as journal frames, kept for replay by the operator.
#pragma once

#include <string>

#include "broker/base/result.h"
#include "replicator/journal/journal.h"

namespace tandemq::repl {

// Copies the records first..last of the journal, durably. Returns the file's path.
Result<std::string> quarantine(Journal& journal, const std::string& folder, Lsn first, Lsn last);

}  // namespace tandemq::repl
