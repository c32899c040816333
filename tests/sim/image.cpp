#include "tests/sim/image.h"

namespace tandemq::sim {

std::shared_ptr<const Image> Image::of(const core::State& state) {
  auto image = std::make_shared<Image>();
  state.each_row(*image);
  return image;
}

void Image::meta(const core::MetaRow& row) {
  lsn_ = row.lsn;
  rows_.emplace_back(row);
}

void Image::session(const core::SessionRow& row) {
  core::SessionRow copy = row;
  copy.client_id = keep(row.client_id);
  copy.username = keep(row.username);
  copy.listener = keep(row.listener);
  rows_.emplace_back(copy);
}

void Image::subscription(const core::SubscriptionRow& row) {
  core::SubscriptionRow copy = row;
  copy.fields.filter = keep(row.fields.filter);
  rows_.emplace_back(copy);
}

void Image::account(const core::AccountFields& row) {
  core::AccountFields copy = row;
  copy.name = keep(row.name);
  copy.password = keep(row.password);
  for (std::string_view& line : copy.lines) line = keep(line);
  rows_.emplace_back(std::move(copy));
}

void Image::restore(core::State& state) const {
  state.clear();
  core::RowVisitor& into = state.restorer();
  struct Put {
    core::RowVisitor& into;
    void operator()(const core::MetaRow& row) { into.meta(row); }
    void operator()(const core::SessionRow& row) { into.session(row); }
    void operator()(const core::SubscriptionRow& row) { into.subscription(row); }
    void operator()(const core::DeliveryRow& row) { into.delivery(row); }
    void operator()(const core::InboundRow& row) { into.inbound(row); }
    void operator()(const core::RetainedRow& row) { into.retained(row); }
    void operator()(const core::AccountFields& row) { into.account(row); }
  };
  for (const Row& row : rows_) std::visit(Put{into}, row);
}

}  // namespace tandemq::sim
