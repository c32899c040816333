#include "replicator/shell/replicator.h"

#include <event2/event.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "broker/base/check.h"
#include "broker/base/exit_code.h"
#include "replicator/shell/replicator_impl.h"

namespace tandemq::repl {
namespace {

// The journal may exceed its size by as much again during a resync, at least by this.
constexpr std::uint64_t kResyncBytes = 512u << 20;

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
  return machine;
}

// Runs `what` from the loop, after the callbacks that are on the stack now.
void later(event_base* base, std::function<void()> what) {
  const timeval now{0, 0};
  auto* kept = new std::function<void()>(std::move(what));
  event_base_once(
      base, -1, EV_TIMEOUT,
      [](int, short, void* argument) {
        const std::unique_ptr<std::function<void()>> call(
            static_cast<std::function<void()>*>(argument));
        (*call)();
      },
      kept, &now);
}

}  // namespace

Result<std::unique_ptr<Replicator>> Replicator::open(
    event_base* base, const ReplicatorConfig& config, ReplicatorHost& host, Lsn checkpoint_lsn,
    const std::function<void(const Progress&)>& progress) {
  auto made = std::make_unique<ReplicatorImpl>(base, config, host);
  const Status recovered = made->recover(checkpoint_lsn, progress);
  if (!recovered) return recovered.error();
  return std::unique_ptr<Replicator>(std::move(made));
}

ReplicatorImpl::ReplicatorImpl(event_base* base, ReplicatorConfig config, ReplicatorHost& host)
    : base_(base),
      config_(std::move(config)),
      host_(host),
      meta_path_(config_.data_dir + "/meta.json"),
      replica_(machine_config(config_)) {
  tick_timer_ = event_new(
      base_, -1, EV_PERSIST,
      [](int, short, void* self) { static_cast<ReplicatorImpl*>(self)->tick(); }, this);
  TMQ_CHECK(tick_timer_ != nullptr);
}

ReplicatorImpl::~ReplicatorImpl() {
  *alive_ = false;
  event_free(tick_timer_);
  sender_.reset();
}

Status ReplicatorImpl::start() {
  const JournalFigures figures = journal_->figures();
  step(event::Started{recovered_.meta, figures.first, recovered_.last,
                      std::min(figures.synced, recovered_.last)});
  journal_->on_synced = [this](Lsn lsn) { step(event::Synced{lsn}); };
  const std::uint32_t tick_ms = std::clamp(config_.heartbeat_ms / 4, 5u, 20u);
  const timeval interval{0, static_cast<suseconds_t>(tick_ms) * 1000};
  event_add(tick_timer_, &interval);
  if (config_.single) return order(event::Promote{0, true});
  LinkConfig link;
  link.self = {config_.software, config_.pair_id, config_.node_index, config_.node_name,
               config_.peer_name};
  link.dials = config_.node_index == 1;
  link.listen_address = config_.listen_address;
  link.listen_port = config_.listen_port;
  link.peer_address = config_.peer_address;
  link.peer_port = config_.peer_port;
  link.silence_ms = config_.peer_silence_ms;
  link_ = std::make_unique<Link>(base_, link, static_cast<LinkHost&>(*this));
  return link_->start();
}

Lsn ReplicatorImpl::append(std::uint16_t kind, std::string_view body) {
  TMQ_CHECK(replica_.role() == Role::primary);
  const std::uint8_t version = replica_.writes(kind);
  TMQ_CHECK(version != 0);  // the peer could not read it
  return appended_ = journal_->append(replica_.epoch(), kind, body, version);
}

Lsn ReplicatorImpl::unsent() const {
  return appended_ > replica_.last() ? appended_ : 0;
}

void ReplicatorImpl::end_of_turn() {
  if (appended_ > replica_.last()) step(event::Appended{appended_});
}

// Feeds the machine until nothing follows any more. A call from inside a callback only queues.
void ReplicatorImpl::step(EventKind what) {
  events_.push_back(std::move(what));
  if (stepping_) return;
  stepping_ = true;
  while (!events_.empty()) {
    EventKind next = std::move(events_.front());
    events_.pop_front();
    if (!std::holds_alternative<event::Appended>(next)) report_appended();
    out_.clear();
    replica_.step({std::move(next), now_ms()}, out_);
    if (!out_.refusal.empty()) refusal_ = out_.refusal;
    carry_out(out_);
  }
  stepping_ = false;
}

// The machine must know every record of ours before it hears of anything else.
void ReplicatorImpl::report_appended() {
  if (replica_.role() != Role::primary || appended_ <= replica_.last()) return;
  out_.clear();
  replica_.step({event::Appended{appended_}, now_ms()}, out_);
  carry_out(out_);
}

Status ReplicatorImpl::order(EventKind what) {
  if (stepping_) return Error{"an order was given from inside a callback of the replicator"};
  write_if_due();
  refusal_.clear();
  step(std::move(what));
  if (refusal_.empty()) return Done{};
  return Error{refusal_};
}

Result<Epoch> ReplicatorImpl::promote(Epoch at_least, bool force) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  const Status done =
      order(event::Promote{at_least, force, static_cast<std::uint64_t>(std::max(seconds, {}))});
  if (!done) return done.error();
  return replica_.epoch();
}

Status ReplicatorImpl::demote(const std::string& reason) {
  return order(event::Demote{reason});
}

Status ReplicatorImpl::go_solo(const std::string& authority) {
  return order(event::GoSolo{authority});
}

Status ReplicatorImpl::lose_sync(const std::string& reason) {
  return order(event::LoseSync{reason});
}

void ReplicatorImpl::leave(std::function<void()> done) {
  leave_done_ = std::move(done);
  const Status left = order(event::Leave{"orderly stop"});
  if (link_) link_->stop();
  later(base_, [this, alive = alive_] {
    if (!*alive || !leave_done_) return;
    const auto call = std::move(leave_done_);
    call();
  });
}

void ReplicatorImpl::switchover(std::function<void(Status)> done) {
  if (switchover_done_) return done(Error{"a switchover is under way"});
  switchover_done_ = std::move(done);
  const Status ordered = order(event::Switchover{});
  if (ordered) return;
  const auto call = std::move(switchover_done_);
  switchover_done_ = nullptr;
  call(ordered);
}

void ReplicatorImpl::carry_out(const action::SwitchoverDone& a) {
  if (!switchover_done_) return;
  later(base_, [call = std::move(switchover_done_), a, alive = alive_] {
    if (*alive) call(a.ok ? Status(Done{}) : Status(Error{a.reason}));
  });
  switchover_done_ = nullptr;
}

void ReplicatorImpl::checkpointed(Lsn lsn) {
  checkpoint_lsn_ = std::max(checkpoint_lsn_, lsn);
  trim_journal();
}

// A peer that is away keeps its records in the journal until that has become too large. One that
// is catching up gets more room: cut off halfway it would ask for a snapshot again and again.
void ReplicatorImpl::trim_journal() {
  Lsn through = checkpoint_lsn_;
  const Lsn needed = replica_.peer_needs_from();
  const std::uint64_t limit = config_.journal_bytes_max;
  const bool resyncing =
      replica_.role() == Role::primary && replica_.status().pair_state == PairState::resyncing;
  const std::uint64_t extra = resyncing ? std::max(limit, kResyncBytes) : 0;
  const bool too_large =
      journal_->figures().bytes > limit && journal_->figures().bytes - limit > extra;
  if (needed != 0 && !too_large) through = std::min(through, needed - 1);
  if (through == 0) return;
  journal_->drop_through(through);
  step(event::JournalTrimmed{journal_->figures().first});
}

void ReplicatorImpl::tick() {
  write_if_due();
  step(event::Tick{});
}

ReplicaStatus ReplicatorImpl::status() const {
  ReplicaStatus status = replica_.status();
  if (sender_) status.resync_progress = sender_->progress();
  return status;
}

Result<Lsn> ReplicatorImpl::read_journal(Lsn from, std::size_t max_bytes, std::string& out) {
  return journal_->read(from, max_bytes, out);
}

void ReplicatorImpl::link_up() {
  step(event::LinkUp{});
}

void ReplicatorImpl::link_down(const std::string& reason) {
  reading_link_ = false;
  write_if_due();
  step(event::LinkDown{reason});
}

void ReplicatorImpl::link_received(const Message& message) {
  TMQ_CHECK(!stepping_);
  reading_link_ = true;
  step(event::Received{&message});
}

void ReplicatorImpl::link_turn_ended() {
  reading_link_ = false;
  write_if_due();
}

void ReplicatorImpl::link_drained() {
  if (sender_) sender_->drained();
}

// Returns what is in the page cache now.
Lsn ReplicatorImpl::flush_journal() {
  write_due_ = false;
  journal_->flush();
  return written_ = appended_;
}

void ReplicatorImpl::write_if_due() {
  if (write_due_) step(event::Written{flush_journal()});
}

std::uint64_t ReplicatorImpl::now_ms() const {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

void ReplicatorImpl::log(const char* level, const char* event, const std::string& reason) const {
  if (config_.log) return config_.log(level, event, reason);
  std::fprintf(stderr, "level=%s event=%s reason=\"%s\"\n", level, event, reason.c_str());
}

void ReplicatorImpl::fatal(const std::string& what) const {
  log("error", "replicator_stopped", what);
  ::_exit(kExitDamaged);
}

}  // namespace tandemq::repl
