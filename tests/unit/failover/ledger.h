// What either broker has acknowledged, in order: all of it must be in the journal of whichever
// acknowledges next.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model_broker.h"

namespace tandemq::failover::model {

class Ledger {
 public:
  std::uint64_t next_id() { return next_id_++; }
  // What the journal of a new primary holds already, its broker does not acknowledge itself.
  void begin_reign(const ModelBroker& broker) {
    released_[broker.index - 1] = broker.journal.size();
  }
  // The first `upto` entries are acknowledged. Returns the id of an entry that was acknowledged
  // before and is not among them; 0: none.
  std::uint64_t acknowledge(const ModelBroker& broker, std::size_t upto);
  std::size_t size() const { return acked_.size(); }

 private:
  std::uint64_t first_missing(const std::vector<Entry>& journal) const;

  std::vector<Entry> acked_;
  std::uint64_t next_id_ = 1;
  std::array<std::size_t, 2> released_{};  // entries whose effects the broker has let go
};

}  // namespace tandemq::failover::model
