// A whole state as changes to an empty file.
#include <unordered_map>

#include "broker/checkpoint/fold.h"

namespace tandemq::broker::checkpoint {
namespace {

class NoRows final : public RowSource {
 public:
  bool session(core::SessionId, FoldSession&) override { return false; }
  std::vector<core::SessionId> open_sessions() override { return {}; }
  bool in_flight(core::SessionId, std::uint16_t, FoldDelivery&) override { return false; }
  bool delivery(core::SessionId, std::uint64_t, FoldDelivery&) override { return false; }
  std::vector<FoldDelivery> queued(core::SessionId, std::uint64_t, std::size_t) override {
    return {};
  }
  Lsn retained(std::string_view) override { return 0; }
};

}  // namespace

class Fold::Whole final : public core::RowVisitor {
 public:
  explicit Whole(Fold& fold) : fold_(fold) {}

  void meta(const core::MetaRow& row) override { fold_.meta_ = row; }
  void session(const core::SessionRow& row) override {
    FoldSession& session = fold_.sessions_[row.session];
    session.exists = session.changed = true;
    session.will_changed = row.has_will;
    session.client_id = row.client_id;
    session.username = row.username;
    session.listener = row.listener;
    session.row = row;
    session.row.client_id = session.client_id;
    session.row.username = session.username;
    session.row.listener = session.listener;
  }
  void subscription(const core::SubscriptionRow& row) override {
    FoldSession::Filter filter{row.fields};
    filter.fields.filter = {};
    fold_.sessions_[row.session].subscriptions.emplace(row.fields.filter, filter);
  }
  void delivery(const core::DeliveryRow& row) override {
    FoldDelivery& one = fold_.sessions_[row.session].fresh.emplace_back();
    one.sequence = row.sequence;
    one.message = number(row.message);
    one.body = row.message;
    if (!row.subscription_ids.empty()) {
      one.subscription_ids = std::make_unique<std::vector<std::uint32_t>>(row.subscription_ids);
    }
    one.packet_id = row.packet_id;
    one.stage = row.stage;
    one.qos = row.qos;
    one.retain = row.retain;
  }
  void inbound(const core::InboundRow& row) override {
    fold_.sessions_[row.session].inbound[row.packet_id] = true;
  }
  void retained(const core::RetainedRow& row) override {
    const std::string topic(row.message->topic());
    fold_.retained_[topic] = {0, number(row.message), row.message};
  }
  void account(const core::AccountFields& row) override { fold_.keep_account(row); }

 private:
  // In a file a message has the LSN of the record that brought it, which the state does not know.
  // There were at least as many records as there are messages: these numbers are below any that
  // comes later.
  Lsn number(const core::MessageRef& message) {
    if (!message) return 0;
    return numbers_.try_emplace(message.get(), numbers_.size() + 1).first->second;
  }

  Fold& fold_;
  std::unordered_map<const core::Message*, Lsn> numbers_;
};

std::unique_ptr<const Fold> Fold::of(const core::State& state) {
  static NoRows none;
  auto fold = std::make_unique<Fold>(none, core::MetaRow{});
  Whole whole(*fold);
  state.each_row(whole);
  return fold;
}

}  // namespace tandemq::broker::checkpoint
