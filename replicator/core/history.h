// Epoch histories: finding where two journals part.
#pragma once

#include <string_view>

#include "broker/base/result.h"
#include "replicator/core/features.h"
#include "replicator/core/frame.h"
#include "replicator/core/types.h"

namespace tandemq::repl {

// Last record that two journals have in common. An epoch has one writer and a node takes a record
// only behind a common one, so the same (epoch, LSN) means the same record and the same past.
Lsn common_point(const EpochHistory& a, Lsn a_last, const EpochHistory& b, Lsn b_last);

// Epoch of a record, 0 when before the history's first entry or when lsn is 0.
Epoch epoch_of(const EpochHistory& history, Lsn lsn);

// Forgets reigns that begin after `last`.
void trim_history(EpochHistory& history, Lsn last);

// Notes that record `lsn` has `epoch`; no change when it goes on with the last reign.
void extend_history(EpochHistory& history, Epoch epoch, Lsn lsn);

// Checks frames from a peer: checksums, LSNs contiguous from `first`, epochs never going back nor
// above `epoch_max`, kinds and body versions that `readable` has. Extends `history` and returns the
// last LSN.
Result<Lsn> check_frames(std::string_view frames, Lsn first, Epoch epoch_max,
                         const KindTable& readable, EpochHistory& history);

// "record 77 is of kind 40, version 1, which this program does not know"
std::string unreadable(const FrameView& frame);

}  // namespace tandemq::repl
