#include "ledger.h"

namespace tandemq::failover::model {
namespace {

constexpr std::size_t kLookedAt = 200;  // of the newest: what is older was seen before

}  // namespace

// Both are in the order of their ids.
std::uint64_t Ledger::first_missing(const std::vector<Entry>& journal) const {
  std::size_t i = journal.size(), j = acked_.size();
  for (; j > 0; --j) {
    const Entry& acked = acked_[j - 1];
    while (i > 0 && (journal[i - 1].id == 0 || journal[i - 1].id > acked.id)) --i;
    if (i == 0 || journal[i - 1] != acked) return acked.id;
    if (acked_.size() - j > kLookedAt) return 0;
  }
  return 0;
}

std::uint64_t Ledger::acknowledge(const ModelBroker& broker, std::size_t upto) {
  const std::uint64_t missing = first_missing(broker.journal);
  std::size_t& released = released_[broker.index - 1];
  for (std::size_t k = released; k < upto; ++k) {
    const Entry& entry = broker.journal[k];
    if (entry.id != 0 && entry.epoch == broker.epoch) acked_.push_back(entry);
  }
  released = upto;
  return missing;
}

}  // namespace tandemq::failover::model
