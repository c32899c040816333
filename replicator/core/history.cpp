#include "replicator/core/history.h"

#include <algorithm>

#include "replicator/core/frame.h"

namespace tandemq::repl {
namespace {

// Last record of the reign that begins at entry `i`.
Lsn end_of(const EpochHistory& history, std::size_t i, Lsn last) {
  return i + 1 < history.size() ? std::min(history[i + 1].first - 1, last) : last;
}

}  // namespace

Lsn common_point(const EpochHistory& a, Lsn a_last, const EpochHistory& b, Lsn b_last) {
  std::size_t i = a.size();
  std::size_t j = b.size();
  while (i > 0 && j > 0) {
    const EpochStart& x = a[i - 1];
    const EpochStart& y = b[j - 1];
    if (x.epoch == y.epoch) {
      // A reign whose first record differs was not written by one node: trust nothing of it.
      const Lsn end = std::min(end_of(a, i - 1, a_last), end_of(b, j - 1, b_last));
      if (x.first == y.first && end >= x.first) return end;
      --i, --j;
    } else if (x.epoch > y.epoch) {
      --i;
    } else {
      --j;
    }
  }
  return 0;
}

Epoch epoch_of(const EpochHistory& history, Lsn lsn) {
  for (std::size_t i = history.size(); i > 0; --i) {
    if (history[i - 1].first <= lsn) return history[i - 1].epoch;
  }
  return 0;
}

void trim_history(EpochHistory& history, Lsn last) {
  while (!history.empty() && history.back().first > last) history.pop_back();
}

void extend_history(EpochHistory& history, Epoch epoch, Lsn lsn) {
  if (!history.empty() && history.back().epoch == epoch) return;
  history.push_back({epoch, lsn});
  if (history.size() > kHistoryMax) history.erase(history.begin());
}

std::string unreadable(const FrameView& frame) {
  return "record " + std::to_string(frame.lsn) + " is of kind " + std::to_string(frame.kind) +
         ", version " + std::to_string(frame.version) + ", which this program does not know";
}

Result<Lsn> check_frames(std::string_view frames, Lsn first, Epoch epoch_max,
                         const KindTable& readable, EpochHistory& history) {
  Lsn next = first;
  while (!frames.empty()) {
    FrameView frame;
    if (read_frame(frames, frame) != FrameRead::frame) {
      return Error{"the peer sent a damaged frame where record " + std::to_string(next) +
                   " belongs"};
    }
    if (frame.kind == kSyncMark || frame.lsn != next) {
      return Error{"the peer sent record " + std::to_string(frame.lsn) + " where " +
                   std::to_string(next) + " belongs"};
    }
    const Epoch before = history.empty() ? 0 : history.back().epoch;
    if (frame.epoch < before || frame.epoch > epoch_max || frame.epoch == 0) {
      return Error{"the peer sent record " + std::to_string(frame.lsn) +
                   " of an epoch that cannot be there"};
    }
    if (frame.version == 0 || frame.version > version_in(readable, frame.kind)) {
      return Error{"the peer sent what it must not: " + unreadable(frame)};
    }
    if (frame.epoch != before) extend_history(history, frame.epoch, frame.lsn);
    frames.remove_prefix(frame.bytes.size());
    ++next;
  }
  return next - 1;
}

}  // namespace tandemq::repl
