// A copy of a State's rows: checkpoint and snapshot of the simulated nodes.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/core/rows.h"
#include "broker/core/state.h"

namespace tandemq::sim {

class Image final : public core::RowVisitor {
 public:
  static std::shared_ptr<const Image> of(const core::State& state);
  // `state` is emptied first.
  void restore(core::State& state) const;
  Lsn lsn() const { return lsn_; }

 private:
  void meta(const core::MetaRow& row) override;
  void session(const core::SessionRow& row) override;
  void subscription(const core::SubscriptionRow& row) override;
  void delivery(const core::DeliveryRow& row) override { rows_.emplace_back(row); }
  void inbound(const core::InboundRow& row) override { rows_.emplace_back(row); }
  void retained(const core::RetainedRow& row) override { rows_.emplace_back(row); }
  void account(const core::AccountFields& row) override;
  std::string_view keep(std::string_view text) { return texts_.emplace_back(text); }

  using Row =
      std::variant<core::MetaRow, core::SessionRow, core::SubscriptionRow, core::DeliveryRow,
                   core::InboundRow, core::RetainedRow, core::AccountFields>;
  Lsn lsn_ = 0;
  std::deque<std::string> texts_;  // what the rows' views point to
  std::vector<Row> rows_;          // in the order in which they came
};

}  // namespace tandemq::sim
