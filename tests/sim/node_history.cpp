#include "tests/sim/node_history.h"

#include <algorithm>

#include "broker/base/crc32c.h"
#include "broker/core/records.h"

namespace tandemq::sim {
namespace {

template <class Each>
void each_frame(repl::Replicator& replicator, Lsn first, Lsn last, const Each& each) {
  std::string frames;
  if (!replicator.read_journal(first, ~std::size_t{0}, frames)) return;
  repl::FrameView frame;
  for (std::string_view left = frames;
       repl::read_frame(left, frame) == repl::FrameRead::frame && frame.lsn <= last;
       left.remove_prefix(frame.bytes.size())) {
    each(frame);
  }
}

bool is_of_will(const repl::FrameView& frame) {
  if (frame.kind != static_cast<std::uint16_t>(core::Kind::published)) return false;
  const Result<core::Record> record =
      core::decode_record(core::Kind::published, frame.body, frame.version);
  return record && std::get<core::Published>(*record).is_will;
}

}  // namespace

void NodeHistory::committed(Lsn after, Lsn upto) const {
  const Lsn first = std::max(after + 1, replicator.journal_figures().first);
  each_frame(replicator, first, upto, [&](const repl::FrameView& frame) {
    checker.committed(node, frame.lsn, frame.epoch, crc32c(frame.bytes), is_of_will(frame));
  });
}

bool NodeHistory::reign_begins() const {
  const repl::JournalFigures figures = replicator.journal_figures();
  const Lsn last = checker.committed_last();
  if (figures.last < last) {
    checker.violate_unless_forked(node + " reigns after record " + std::to_string(figures.last) +
                                  ", committed were records up to " + std::to_string(last));
    return false;
  }
  const Lsn first = figures.first == 0 ? figures.last + 1 : figures.first;
  each_frame(replicator, first, last, [&](const repl::FrameView& frame) {
    checker.reigns_with(node, frame.lsn, crc32c(frame.bytes));
  });
  return true;
}

}  // namespace tandemq::sim
