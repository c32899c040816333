// State: sessions, subscriptions, queues, retained messages, wills. apply() is its only mutator
// (attach/detach keep the primary's volatile link between a session and its connection).
#pragma once

#include <cstdint>
#include <memory>

#include "broker/core/effects.h"
#include "broker/core/records.h"
#include "broker/core/rows.h"

namespace tandemq::core {

struct StateFigures {
  std::uint64_t sessions = 0;            // durable and volatile
  std::uint64_t sessions_connected = 0;
  std::uint64_t subscriptions = 0;
  std::uint64_t retained = 0;
  std::uint64_t retained_bytes = 0;
  std::uint64_t queued = 0;              // deliveries not yet finished, in flight included
  std::uint64_t queued_bytes = 0;
};

class State {
 public:
  State();
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Applies a durable record (lsn above 0) or one about volatile sessions (lsn 0). `out` is null
  // on a standby and in recovery.
  void apply(Lsn lsn, const Record& record, Effects* out);

  // Decodes and applies a journal record. Kinds that belong to the replicator only move the LSN.
  // An error means that the journal or the peer holds something this version cannot read.
  Status apply_encoded(Lsn lsn, Kind kind, std::string_view body);

  MetaRow meta() const;
  StateFigures figures() const;

  // Durable rows in canonical order.
  void each_row(RowVisitor& visitor) const;
  // 64-bit hash over all durable rows; equal on two nodes at equal LSN.
  std::uint64_t hash() const;

  // Fills an empty state from rows, in the order each_row gives them.
  RowVisitor& restorer();

  // Everything is forgotten (before a snapshot is installed).
  void clear();

  struct Impl;
  Impl& impl() { return *impl_; }
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandemq::core
