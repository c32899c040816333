// State: sessions, subscriptions, queues, retained messages, wills, users and roles. Applying
// records is all that changes it; what a primary keeps beside it while it reigns is the engine's
// (seats.h).
#pragma once

#include <cstdint>
#include <memory>

#include "broker/base/result.h"
#include "broker/core/effects.h"
#include "broker/core/records.h"
#include "broker/core/rows.h"

namespace tandemq::core {

struct StateFigures {
  std::uint64_t sessions = 0;  // durable and volatile
  std::uint64_t sessions_connected = 0;
  std::uint64_t subscriptions = 0;
  std::uint64_t retained = 0;
  std::uint64_t retained_bytes = 0;
  std::uint64_t queued = 0;        // deliveries not yet finished, in flight included
  std::uint64_t queued_bytes = 0;  // footprint of their messages, counted once a delivery
  std::uint64_t users = 0;         // kept in the journal
  std::uint64_t roles = 0;
};

class State {
 public:
  // `table_seed` keeps clients from choosing topics that collide in hash tables; the shell draws
  // it. It changes nothing that can be seen from outside.
  explicit State(std::uint64_t table_seed = 0);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Decodes and applies a journal record. Kinds that belong to the replicator only move the LSN.
  // An error means that the journal or the peer holds something this version cannot read, or that
  // does not fit this state; then nothing was applied.
  Status apply_encoded(Lsn lsn, Kind kind, std::string_view body,
                       std::uint8_t version = kNewestBody);

  MetaRow meta() const;
  StateFigures figures() const;

  // Users and roles; stays where it is as long as the state does.
  const Accounts& accounts() const;

  // Durable rows in canonical order.
  void each_row(RowVisitor& visitor) const;
  // 64-bit hash over all durable rows; equal on two nodes at equal LSN. Takes time in proportion to
  // the state.
  std::uint64_t hash() const;

  // Fills an empty state from rows, in the order each_row gives them.
  RowVisitor& restorer();

  // Everything is forgotten (before a snapshot is installed).
  void clear();
  // This node is not the primary any more: volatile sessions are forgotten, durable state stays as
  // the records have it.
  void demote();

  struct Impl;
  Impl& impl() { return *impl_; }
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandemq::core
