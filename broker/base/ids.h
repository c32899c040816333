// Numbers that name things in more than one layer.
#pragma once

#include <cstdint>

namespace tandemq {

// Log sequence number of a journal record, contiguous from 1; 0 means "before the first".
using Lsn = std::uint64_t;

// Milliseconds on the pair's clock: close to Unix time, never runs backwards, stepped by no one,
// handed from primary to standby in heartbeats and records.
using TimeMs = std::uint64_t;

// Number of a reign: a counter and the node that reigns, compared as one number, so that no epoch
// is ever used by two nodes. 0 means "none yet".
using Epoch = std::uint64_t;

constexpr Epoch make_epoch(std::uint64_t counter, unsigned node_index) {
  return counter << 8 | node_index;
}
// A reign a millisecond reaches it after 8,900 years; more in an order or a message is an error.
constexpr std::uint64_t kEpochCounterMax = std::uint64_t{1} << 48;
constexpr std::uint64_t epoch_counter(Epoch epoch) {
  return epoch >> 8;
}
constexpr unsigned epoch_node(Epoch epoch) {
  return static_cast<unsigned>(epoch & 0xff);
}

}  // namespace tandemq
