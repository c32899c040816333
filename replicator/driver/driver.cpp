#include "replicator/driver/driver.h"

#include <algorithm>
#include <cstdlib>

#include "broker/base/check.h"
#include "broker/base/exit_code.h"

namespace tandemq::repl {
namespace {

ReplicaConfig machine_config(const ReplicatorConfig& config) {
  ReplicaConfig machine;
  machine.single = config.single;
  machine.node_index = config.node_index;
  machine.node_name = config.node_name;
  machine.peer_name = config.peer_name;
  machine.pair_id = config.pair_id;
  machine.software = config.software;
  machine.known = config.known;
  machine.baseline = config.baseline;
  machine.settings = config.settings;
  machine.commit = config.commit;
  machine.sync_when_solo = config.sync_when_solo;
  machine.sync_interval_ms = config.sync_interval_ms;
  machine.heartbeat_ms = config.heartbeat_ms;
  machine.peer_silence_ms = config.peer_silence_ms;
  machine.window_bytes = config.window_bytes;
  machine.batch_bytes = config.batch_bytes;
  return machine;
}

}  // namespace

Result<std::unique_ptr<Replicator>> Replicator::open(
    Ports ports, const ReplicatorConfig& config, ReplicatorHost& host, Lsn checkpoint_lsn,
    const std::function<void(const Progress&)>& progress) {
  auto made = std::make_unique<Driver>(std::move(ports), config, host);
  const Status recovered = made->recover(checkpoint_lsn, progress);
  if (!recovered) return recovered.error();
  return std::unique_ptr<Replicator>(std::move(made));
}

Driver::Driver(Ports ports, ReplicatorConfig config, ReplicatorHost& host)
    : ports_(std::move(ports)),
      config_(std::move(config)),
      host_(host),
      replica_(machine_config(config_)),
      recovery_(ports_, config_, host_) {}

Driver::~Driver() {
  *alive_ = false;
  sender_.reset();
}

Status Driver::recover(Lsn checkpoint_lsn, const std::function<void(const Progress&)>& progress) {
  auto journal = recovery_.run(checkpoint_lsn, progress);
  if (!journal) return journal.error();
  journal_ = std::move(*journal);
  checkpoint_lsn_ = checkpoint_lsn;
  appended_ = written_ = recovery_.last();
  return Done{};
}

Status Driver::start() {
  const JournalFigures figures = journal_->figures();
  step(event::Started{recovery_.meta(), figures.first, recovery_.last(),
                      std::min(figures.synced, recovery_.last())});
  journal_->on_synced = [this](Lsn lsn) { step(event::Synced{lsn}); };
  const std::uint32_t tick_ms = std::clamp(config_.heartbeat_ms / 4, 5u, 20u);
  tick_timer_ = ports_.runtime->every(tick_ms, [this] { tick(); });
  if (config_.single) return order(event::Promote{0, true});
  link_ = ports_.link.get();
  return link_->start(*this);
}

Lsn Driver::append(std::uint16_t kind, const ByteSource& body) {
  TMQ_CHECK(replica_.role() == Role::primary);
  const std::uint8_t version = replica_.writes(kind);
  TMQ_CHECK(version != 0);  // the peer could not read it
  return appended_ = journal_->append(replica_.epoch(), kind, body, version);
}

Lsn Driver::unsent() const {
  return appended_ > replica_.last() ? appended_ : 0;
}

void Driver::end_of_turn() {
  if (appended_ > replica_.last()) step(event::Appended{appended_});
}

// Feeds the machine until nothing follows any more. A call from inside a callback only queues.
void Driver::step(EventKind what) {
  events_.push_back(std::move(what));
  if (stepping_) return;
  stepping_ = true;
  while (!events_.empty()) {
    EventKind next = std::move(events_.front());
    events_.pop_front();
    if (!std::holds_alternative<event::Appended>(next)) report_appended();
    out_.clear();
    replica_.step({std::move(next), ports_.runtime->now_ms()}, out_);
    if (!out_.refusal.empty()) refusal_ = out_.refusal;
    carry_out(out_);
  }
  stepping_ = false;
}

// The machine must know every record of ours before it hears of anything else.
void Driver::report_appended() {
  if (replica_.role() != Role::primary || appended_ <= replica_.last()) return;
  out_.clear();
  replica_.step({event::Appended{appended_}, ports_.runtime->now_ms()}, out_);
  carry_out(out_);
}

Status Driver::order(EventKind what) {
  if (stepping_) return Error{"an order was given from inside a callback of the replicator"};
  write_if_due();
  refusal_.clear();
  step(std::move(what));
  if (refusal_.empty()) return Done{};
  return Error{refusal_};
}

Result<Epoch> Driver::promote(Epoch at_least, bool force, const std::function<bool()>& stands) {
  const bool claims_first = static_cast<bool>(stands);
  Status done = order(event::Promote{at_least, force, ports_.runtime->wall_s(), claims_first});
  if (done && claims_first) done = order(event::Claimed{stands()});
  if (!done) return done.error();
  return replica_.epoch();
}

Status Driver::demote(const std::string& reason) {
  return order(event::Demote{reason});
}

Status Driver::go_solo(const std::string& authority) {
  return order(event::GoSolo{authority});
}

Status Driver::lose_sync(const std::string& reason) {
  return order(event::LoseSync{reason});
}

void Driver::leave(std::function<void()> done) {
  leave_done_ = std::move(done);
  const Status left = order(event::Leave{"orderly stop"});
  if (link_) link_->stop();
  later([this] {
    if (!leave_done_) return;
    const auto call = std::move(leave_done_);
    call();
  });
}

void Driver::switchover(std::function<void(Status)> done) {
  if (switchover_done_) return done(Error{"a switchover is under way"});
  switchover_done_ = std::move(done);
  const Status ordered = order(event::Switchover{});
  if (ordered) return;
  const auto call = std::move(switchover_done_);
  switchover_done_ = nullptr;
  call(ordered);
}

void Driver::carry_out(const action::SwitchoverDone& a) {
  if (!switchover_done_) return;
  later([call = std::move(switchover_done_), a] {
    call(a.ok ? Status(Done{}) : Status(Error{a.reason}));
  });
  switchover_done_ = nullptr;
}

void Driver::checkpointed(Lsn lsn) {
  checkpoint_lsn_ = lsn;  // lower than before when a snapshot took its place
  trim_journal();
}

// Records that the peer may need stay until the journal is too large, and then the oldest of them
// go as far as they must: what was acknowledged alone may yet have to go into quarantine. A peer
// that is catching up gets more room: cut off halfway it would ask for a snapshot again and again.
void Driver::trim_journal() {
  if (checkpoint_lsn_ == 0) return;
  const Lsn needed = replica_.peer_needs_from();
  const std::uint64_t limit = config_.journal_bytes_max;
  const bool resyncing =
      replica_.role() == Role::primary && replica_.status().pair_state == PairState::resyncing;
  const std::uint64_t extra = resyncing ? std::max(limit, config_.resync_bytes) : 0;
  const std::uint64_t most = limit + std::min(extra, ~limit);
  journal_->drop_through(needed == 0 ? checkpoint_lsn_ : std::min(checkpoint_lsn_, needed - 1), 0);
  journal_->drop_through(checkpoint_lsn_, most);
  step(event::JournalTrimmed{journal_->figures().first});
}

void Driver::tick() {
  write_if_due();
  step(event::Tick{});
}

ReplicaStatus Driver::status() const {
  ReplicaStatus status = replica_.status();
  if (sender_) status.resync_progress = sender_->progress();
  return status;
}

Result<Lsn> Driver::read_journal(Lsn from, std::size_t max_bytes, std::string& out) {
  return journal_->read(from, max_bytes, out);
}

void Driver::link_up() {
  step(event::LinkUp{});
}

void Driver::link_down(const std::string& reason) {
  reading_link_ = false;
  write_if_due();
  step(event::LinkDown{reason});
}

void Driver::link_received(const Message& message) {
  TMQ_CHECK(!stepping_);
  reading_link_ = true;
  step(event::Received{&message});
}

void Driver::link_turn_ended() {
  reading_link_ = false;
  write_if_due();
}

void Driver::link_drained() {
  if (sender_) sender_->drained();
}

// Returns what is in the page cache now.
Lsn Driver::flush_journal() {
  write_due_ = false;
  return written_ = journal_->flush();
}

void Driver::write_if_due() {
  if (write_due_) step(event::Written{flush_journal()});
}

void Driver::later(std::function<void()> what) {
  ports_.runtime->later([alive = alive_, what = std::move(what)] {
    if (*alive) what();
  });
}

void Driver::log(const char* level, const char* event, const std::string& reason) const {
  ports_.runtime->log(level, event, reason);
}

// What the host refused was told to nobody, and a start may heal it: unless a sync that is under
// way fails as well, which ends the process for good.
void Driver::fatal(const Error& why) const {
  const bool passing = why.code == kExitEnvironment;
  if (passing) journal_->sync_now();
  log("error", "replicator_stopped", why.message);
  ports_.runtime->end(passing ? kExitEnvironment : kExitDamaged);
  std::abort();  // the compiler does not know that a virtual function never returns
}

}  // namespace tandemq::repl
