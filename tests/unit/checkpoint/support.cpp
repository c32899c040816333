#include "tests/unit/checkpoint/support.h"

#include <doctest/doctest.h>

#include <optional>
#include <sstream>

#include "replicator/core/frame.h"

namespace tandemq::broker::test {

CheckpointConfig config_in(const TempDir& dir) {
  CheckpointConfig config;
  config.path = dir / "checkpoint.db";
  config.pair_id = "plant-1";
  return config;
}

Lsn MemoryJournal::append(const core::Record& record) {
  std::string body;
  core::encode_record(body, record);
  return append_encoded(core::kind_of(record), body);
}

Lsn MemoryJournal::append_encoded(core::Kind kind, std::string_view body) {
  const Lsn lsn = last() + 1;
  repl::write_frame(frames_.emplace_back(), make_epoch(1, 1), lsn, static_cast<std::uint16_t>(kind),
                    body);
  return lsn;
}

Result<Lsn> MemoryJournal::read(Lsn from, std::size_t bytes_max, std::string& out) const {
  Lsn at = from;
  for (; at <= last(); ++at) {
    if (at != from && out.size() + frame(at).size() > bytes_max) break;
    out += frame(at);
  }
  return at - 1;
}

void MemoryJournal::replay(core::State& state, Lsn from, Lsn to) const {
  for (Lsn lsn = from; lsn <= to; ++lsn) {
    repl::FrameView view;
    REQUIRE(repl::read_frame(frame(lsn), view) == repl::FrameRead::frame);
    const Status applied = state.apply_encoded(lsn, core::Kind{view.kind}, view.body);
    REQUIRE_MESSAGE(static_cast<bool>(applied), applied.error().message);
  }
}

Folder::Folder(const CheckpointConfig& config, const MemoryJournal& journal)
    : Folder(config, [&journal](Lsn from, std::size_t bytes_max, std::string& out) {
        return journal.read(from, bytes_max, out);
      }) {}

Folder::Folder(const CheckpointConfig& config, Checkpointer::JournalReader read)
    : base_(event_base_new()) {
  auto opened = Checkpointer::open(base_, config, std::move(read));
  REQUIRE_MESSAGE(static_cast<bool>(opened), opened.error().message);
  checkpointer_ = std::move(*opened);
}

Folder::~Folder() {
  checkpointer_.reset();
  event_base_free(base_);
}

Result<Lsn> Folder::fold(Lsn up_to) {
  std::optional<Result<Lsn>> result;
  checkpointer_->start(up_to, [&](Result<Lsn> folded) { result = std::move(folded); });
  while (!result) event_base_loop(base_, EVLOOP_ONCE);
  return *result;
}

Result<Lsn> Folder::remake(const core::State& state) {
  std::optional<Result<Lsn>> result;
  checkpointer_->remake(state, [&](Result<Lsn> made) { result = std::move(made); });
  while (!result) event_base_loop(base_, EVLOOP_ONCE);
  return *result;
}

Result<CheckpointSnapshot> Folder::snapshot(const std::string& path) {
  std::optional<Result<CheckpointSnapshot>> result;
  checkpointer_->make_snapshot(path,
                               [&](Result<CheckpointSnapshot> made) { result = std::move(made); });
  while (!result) event_base_loop(base_, EVLOOP_ONCE);
  return *result;
}

std::unique_ptr<core::State> loaded(const CheckpointConfig& config) {
  auto state = std::make_unique<core::State>();
  const auto info = checkpoint_load(config, *state, {});
  REQUIRE_MESSAGE(static_cast<bool>(info), info.error().message);
  return state;
}

namespace {

class Lines final : public core::RowVisitor {
 public:
  void meta(const core::MetaRow& r) override {
    line("meta", r.lsn, r.epoch, r.time, r.next_session);
  }
  void session(const core::SessionRow& r) override {
    line("session", r.session, r.client_id, r.username, r.listener, r.version, r.keep_alive_s,
         r.expiry_s, r.connected, r.orphaned, r.closed_at, r.next_sequence, r.next_packet_id,
         r.has_will, text(r.will.message), r.will.delay_s, r.will.has_message_expiry,
         r.will.message_expiry_s);
  }
  void subscription(const core::SubscriptionRow& r) override {
    const core::SubscriptionFields& f = r.fields;
    line("subscription", r.session, f.filter, f.qos, f.no_local, f.retain_as_published,
         f.retain_handling, f.identifier, f.retained_owed);
  }
  void delivery(const core::DeliveryRow& r) override {
    line("delivery", r.session, r.sequence, static_cast<int>(r.stage), r.packet_id, r.qos, r.retain,
         r.subscription_ids.size(), text(r.message));
  }
  void inbound(const core::InboundRow& r) override { line("inbound", r.session, r.packet_id); }
  void retained(const core::RetainedRow& r) override { line("retained", text(r.message)); }
  void account(const core::AccountFields& r) override {
    line("account", static_cast<core::SessionId>(r.kind), r.name, r.enabled, r.password,
         r.lines.size());
    for (std::string_view one : r.lines) line("of it", std::string(one));
  }
  std::string str() const { return out_.str(); }

 private:
  static std::string text(const core::MessageRef& m) {
    if (!m) return "none";
    return std::string(m->topic()) + "=" + std::string(m->payload()) + " q" +
           std::to_string(m->qos()) + " r" + std::to_string(m->retain()) + " e" +
           std::to_string(m->expires_at()) + " p" + std::to_string(m->properties().size());
  }
  template <class... Fields>
  void line(const char* table, const Fields&... fields) {
    out_ << table;
    ((out_ << ' ' << +fields), ...);
    out_ << '\n';
  }
  template <class... Fields>
  void line(const char* table, core::SessionId session, const Fields&... fields) {
    out_ << table << ' ' << session;
    (put(fields), ...);
    out_ << '\n';
  }
  void line(const char* table, const std::string& message) {
    out_ << table << ' ' << message << '\n';
  }
  void put(std::string_view field) { out_ << ' ' << field; }
  template <class Number>
  requires std::is_arithmetic_v<Number>
  void put(Number field) { out_ << ' ' << +field; }
  std::ostringstream out_;
};

}  // namespace

std::string rows_of(const core::State& state) {
  Lines lines;
  state.each_row(lines);
  return lines.str();
}

core::MessageRef message(std::string_view topic, std::string_view payload, std::uint8_t qos,
                         bool retain, TimeMs expires_at) {
  return core::Message::create({topic, payload, {}, qos, retain, expires_at});
}

core::SessionOpened opened(core::SessionId session, std::string_view client_id, bool resumed) {
  core::SessionOpened record;
  record.session = session;
  record.time = 1000 * session;
  record.resumed = resumed;
  record.version = 5;
  record.keep_alive_s = 60;
  record.expiry_s = 3600;
  record.client_id = client_id;
  record.username = "plant";
  return record;
}

core::Published published(const core::MessageRef& message, std::vector<core::Target> targets) {
  core::Published record;
  record.time = 5000;
  record.message = message;
  record.targets = std::move(targets);
  return record;
}

core::Target target(core::SessionId session, std::uint16_t packet_id, std::uint8_t qos) {
  core::Target target;
  target.session = session;
  target.packet_id = packet_id;
  target.qos = qos;
  return target;
}

}  // namespace tandemq::broker::test
