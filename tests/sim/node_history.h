// A node's journal as the checker is told of it.
#pragma once

#include <string>

#include "replicator/driver/replicator.h"
#include "tests/sim/checker.h"

namespace tandemq::sim {

struct NodeHistory {
  const std::string& node;  // its name
  repl::Replicator& replicator;
  Checker& checker;

  // The records behind `after` up to `upto` are committed.
  void committed(Lsn after, Lsn upto) const;
  // A reign is about to begin behind its last record: all that was committed has to be there.
  // False when it is not.
  bool reign_begins() const;
};

}  // namespace tandemq::sim
