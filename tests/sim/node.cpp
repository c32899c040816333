// Life and death of a node's process, its recovery, its orders and its end of the link.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/core/record_kinds.h"
#include "replicator/core/history.h"
#include "tests/sim/node_process.h"

namespace tandemq::sim {
namespace {

constexpr TimeUs kTick = 5 * kMs;
constexpr TimeUs kDialEvery = 20 * kMs;
constexpr const char* kJournalDir = "/journal";
constexpr std::uint64_t kWallClockMs = 1'700'000'000'000;

}  // namespace

Node::Node(Place& place, const NodeConfig& config)
    : place_(place),
      config_(config),
      name_(config.index == 1 ? "a" : "b"),
      disk_(std::make_unique<test::MemoryDisk>()) {
  meta_ = {};
}

Node::~Node() = default;

void Node::start() {
  TMQ_CHECK(process_ == nullptr);
  repl::ReplicaConfig replica;
  replica.node_index = config_.index;
  replica.node_name = name_;
  replica.pair_id = "pair";
  std::vector<repl::KindVersion> kinds;
  for (const core::KindFacts& one : core::kKinds) {
    const auto kind = static_cast<std::uint16_t>(one.kind);
    if (kind >= repl::kFirstUserKind) kinds.push_back({kind, one.version});
  }
  replica.known = replica.baseline = repl::features_with(std::move(kinds), 1);
  replica.commit = config_.commit;
  replica.window_bytes = 64 << 10;  // small, so that its end is met
  replica.batch_bytes = 8 << 10;
  process_ = std::make_unique<Process>(replica);
  ++incarnation_;
  disk_->sync_error = 0;
  disk_->bytes_left = ~std::uint64_t{0};
  repl::Meta meta = meta_;
  if (!recover(meta)) return;
  Process& p = *process_;
  p.pair_offset_ms = static_cast<std::int64_t>(kWallClockMs) + clock_skew_us / 1000;
  const auto known = static_cast<std::int64_t>(p.state.meta().time);
  p.pair_offset_ms =
      std::max(p.pair_offset_ms, known - static_cast<std::int64_t>(local_us() / 1000));
  p.engine = std::make_unique<core::Engine>(p.state, *this, limits_, nullptr);
  p.checkpoint_at = place_.clock.now() + config_.checkpoint_every;
  const repl::JournalFigures figures = p.journal->figures();
  const std::string cut = p.journal->tail_note().empty() ? "" : ", tail cut";
  place_.say(name_ + ": started with records up to " + std::to_string(p.state.meta().lsn) + cut);
  step(repl::event::Started{meta, figures.first, p.state.meta().lsn, figures.synced});
  later(kTick, [this] { tick(); });
}

// Checkpoint and journal to state. The machine's history is brought to what the journal holds.
bool Node::recover(repl::Meta& meta) {
  Process& p = *process_;
  repl::JournalConfig config;
  config.dir = kJournalDir;
  config.segment_bytes = config_.segment_bytes;
  config.io = disk_.get();
  config.on_fatal = [this](const std::string& line) { stop(line); };
  auto journal = repl::Journal::open(config, nullptr);
  if (!journal) {
    place_.checker.violate(name_ + " cannot open its journal: " + journal.error().message);
    return false;
  }
  p.journal = std::move(*journal);
  if (checkpoint_) checkpoint_->restore(p.state);
  const Lsn base = p.state.meta().lsn;
  if (p.journal->figures().last < base && !p.journal->reset(base + 1)) return false;
  const Lsn last = p.journal->figures().last;
  repl::trim_history(meta.history, std::max(last, base));
  std::string frames;
  const auto read = p.journal->read(base + 1, ~std::size_t{0}, frames);
  if (!read || *read != last) {
    place_.checker.violate(name_ + " cannot read its journal behind its checkpoint");
    return false;
  }
  p.to_apply = std::move(frames);
  return apply_frames(p.to_apply, last);
}

void Node::kill(const std::string& why) {
  if (!process_) return;
  place_.say(name_ + ": " + why);
  wills_before_ = wills_published();
  // What a dying journal object writes goes to the disk that is thrown away.
  auto kept = std::make_unique<test::MemoryDisk>(*disk_);
  for (const auto& [conn, connection] : process_->connections) {
    Reply reply;
    reply.closed = true;
    place_.to_client(connection.client, conn, reply);
  }
  process_.reset();
  disk_ = std::move(kept);
  place_.network.killed(side());
}

void Node::lose_power(unsigned kept) {
  if (process_) {
    auto disk = std::make_unique<test::MemoryDisk>(*disk_);
    wills_before_ = wills_published();
    process_.reset();
    disk_ = std::move(disk);
    place_.network.silent(side());
  }
  place_.say(name_ + ": loses power");
  disk_->lose_power(place_.random.engine(), kept);
  tail_lost = true;
}

void Node::stop(const std::string& line) {
  if (!process_) return;  // said by a journal that is being thrown away
  place_.say(name_ + ": " + line);
  process_->dead = true;
  place_.clock.after(0, [this, incarnation = incarnation_] {
    if (process_ && incarnation == incarnation_) kill("stopped");
  });
}

void Node::later(TimeUs delay, std::function<void()> what) {
  place_.clock.after(delay, [this, incarnation = incarnation_, what = std::move(what)] {
    if (running() && incarnation == incarnation_) what();
  });
}

void Node::tick() {
  Process& p = *process_;
  later(kTick, [this] { tick(); });
  step(repl::event::Tick{});
  if (p.serving) {
    const std::uint64_t wills = wills_published();
    p.engine->expire(pair_time(), 100, p.effects);
    if (wills_published() != wills) place_.say(name_ + ": a will is due");
    end_turn();
  }
  if (place_.clock.now() >= p.checkpoint_at) take_checkpoint();
  if (wants_link() && place_.clock.now() >= p.dial_at) {
    p.dial_at = place_.clock.now() + kDialEvery;
    place_.network.dial(side());
  }
  if (p.replica.status().in_sync) tail_lost = false;
}

// Durable image, then the segments go that neither it nor the peer needs; now and then more, as
// when the journal has reached its limit.
void Node::take_checkpoint() {
  Process& p = *process_;
  p.checkpoint_at = place_.clock.now() + config_.checkpoint_every;
  if (meta_.needs_snapshot) return;
  p.journal->sync_now();
  if (p.dead) return;
  checkpoint_ = Image::of(p.state);
  const Lsn needed = p.replica.peer_needs_from();
  Lsn drop = checkpoint_->lsn();
  if (needed != 0 && !place_.random.chance(config_.journal_short))
    drop = std::min(drop, needed - 1);
  const Lsn before = p.journal->figures().first;
  p.journal->drop_through(drop);
  const Lsn first = p.journal->figures().first;
  if (first != before) step(repl::event::JournalTrimmed{first});
}

bool Node::running() const {
  return process_ && !process_->dead;
}

std::string Node::order(repl::EventKind what) {
  if (!running()) return "the broker is not running";
  process_->refusal.clear();
  step(std::move(what));
  return process_ ? process_->refusal : "";
}

std::string Node::promote(Epoch at_least, bool force) {
  return order(repl::event::Promote{at_least, force});
}
std::string Node::go_solo(const std::string& authority) {
  return order(repl::event::GoSolo{authority});
}
std::string Node::demote(const std::string& why) {
  return order(repl::event::Demote{why});
}
std::string Node::leave() {
  return order(repl::event::Leave{"asked to"});
}

// The listeners close before the machine drains.
std::string Node::switchover() {
  if (!running()) return "the broker is not running";
  if (process_->replica.status().pair_state != repl::PairState::paired) return "not paired";
  stop_serving();
  process_->draining = true;
  const std::string refusal = order(repl::event::Switchover{});
  if (!refusal.empty() && running()) {
    process_->draining = false;
    process_->serving = process_->replica.role() == repl::Role::primary;
  }
  return refusal;
}

bool Node::wants_link() const {
  return running() && !place_.network.connected(side());
}

void Node::link_up() {
  process_->receive_buffer.clear();
  step(repl::event::LinkUp{});
}

void Node::link_down(const std::string& reason) {
  step(repl::event::LinkDown{reason});
}

void Node::link_received(const std::string& bytes) {
  repl::Message message;
  std::size_t size = 0;
  if (repl::decode(bytes, message, size) != repl::WireRead::message || size != bytes.size()) {
    return place_.checker.violate(name_ + " cannot read a message of its peer");
  }
  if (place_.trace.messages) place_.say(name_ + ": got " + repl::name_of(message));
  step(repl::event::Received{&message});
}

repl::ReplicaStatus Node::status() const {
  return process_ ? process_->replica.status() : repl::ReplicaStatus{};
}
core::StateFigures Node::figures() const {
  return process_ ? process_->state.figures() : core::StateFigures{};
}
std::uint64_t Node::wills_published() const {
  const bool now = process_ && process_->engine;
  return wills_before_ + (now ? process_->engine->counters().wills_published : 0);
}
std::uint64_t Node::hash() const {
  return process_ ? process_->state.hash() : 0;
}

std::uint64_t Node::local_us() const {
  return place_.clock.now();
}

TimeMs Node::pair_time() {
  return static_cast<TimeMs>(static_cast<std::int64_t>(local_us() / 1000) +
                             process_->pair_offset_ms);
}

}  // namespace tandemq::sim
