// Life and death of a node's process, its recovery, its orders and its end of the link.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/core/record_kinds.h"
#include "tests/sim/node_life.h"

namespace tandemq::sim {
namespace {

constexpr TimeUs kNodeTick = 10 * kMs;
constexpr std::uint64_t kWallClockMs = 1'700'000'000'000;

repl::Features known_features() {
  std::vector<repl::KindVersion> kinds;
  for (const core::KindFacts& one : core::kKinds) {
    const auto kind = static_cast<std::uint16_t>(one.kind);
    if (kind >= repl::kFirstUserKind) kinds.push_back({kind, one.version});
  }
  return repl::features_with(std::move(kinds), 1);
}

}  // namespace

Node::Node(Place& place, const NodeConfig& config)
    : place_(place), config_(config), name_(config.index == 1 ? "a" : "b") {
  kept_.forgets_syncs = config.broken == Broken::sync;
}

Node::~Node() = default;

void Node::start() {
  TMQ_CHECK(life_ == nullptr);
  kept_.mend_disk();
  ++lives_;
  life_ = std::make_unique<Life>(place_, kept_, name_);
  life_->process.ended = [this, life = lives_] {
    if (life_ && lives_ == life && !(power_goes && power_goes())) gone("stopped");
  };
  life_->process.post([this] { run(); });
}

repl::Ports Node::ports() {
  Life& life = *life_;
  repl::Ports ports;
  ports.runtime = std::make_unique<Runtime>(*this);
  ports.folder = std::make_unique<NodeFolder>(
      life.process, place_.clock, place_.random, kept_, place_.snapshots,
      NodeFolder::Config{config_.segment_bytes,
                         [this](const std::string& line) { journal_failed(line); }});
  auto link =
      std::make_unique<NodeLink>(life.process, place_.network, side(), [this](const char* message) {
        if (place_.trace.messages) place_.say(name_ + ": got " + message);
      });
  life.link = link.get();
  ports.link = std::move(link);
  return ports;
}

// The process from its start on, as broker/shell/node_start.cpp. While it recovers, a thread of its
// own answers at the control socket.
void Node::run() {
  if (recovery == 0) return recover();
  place_.say(name_ + ": recovers");
  life_->process.after(place_.random.between(50 * kMs, recovery), [this] { recover(); });
}

void Node::recover() {
  Life& life = *life_;
  life.images.load();
  repl::ReplicatorConfig config;
  config.node_index = config_.index;
  config.node_name = name_;
  config.peer_name = config_.index == 1 ? "b" : "a";
  config.pair_id = "pair";
  config.known = config.baseline = known_features();
  config.commit = config_.commit;
  config.journal_bytes_max = config_.journal_bytes;
  config.resync_bytes = config_.journal_bytes;
  config.window_bytes = 64 << 10;  // small, so that its end is met
  config.batch_bytes = 8 << 10;
  config.snapshot_chunk_bytes = 100;
  auto opened = repl::Replicator::open(ports(), config, *this, life.state.meta().lsn, nullptr);
  if (!opened) return place_.checker.violate(name_ + " cannot start: " + opened.error().message);
  life.replicator = std::move(*opened);
  life.images.open(*life.replicator);
  life.pair_offset_ms = static_cast<std::int64_t>(kWallClockMs) + clock_skew_us / 1000;
  const auto known = static_cast<std::int64_t>(life.state.meta().time);
  life.pair_offset_ms =
      std::max(life.pair_offset_ms, known - static_cast<std::int64_t>(local_us() / 1000));
  life.checkpoint_at = place_.clock.now() + config_.checkpoint_every;
  place_.say(name_ + ": started with records up to " + std::to_string(life.state.meta().lsn) +
             (life.tail_cut ? ", tail cut" : ""));
  const Status started = life.replicator->start();
  TMQ_CHECK(started);
  life.process.after(kNodeTick, [this] { tick(); });
}

void Node::tick() {
  Life& life = *life_;
  life.process.after(kNodeTick, [this] { tick(); });
  if (serving()) {
    const std::uint64_t wills = wills_published();
    life.engine->expire(pair_time(), 100, life.effects);
    if (wills_published() != wills) place_.say(name_ + ": a will is due");
    end_turn();
  }
  if (place_.clock.now() >= life.checkpoint_at) {
    life.checkpoint_at = place_.clock.now() + config_.checkpoint_every;
    life.images.checkpoint();
  }
  if (status().in_sync) tail_lost = false;
}

void Node::kill(const std::string& why) {
  if (life_ && life_->process.kill()) gone(why);
}

// The process is over; its host says so to whom it was connected with.
void Node::gone(const std::string& why) {
  place_.say(name_ + ": " + why);
  life_->process.end();
  for (const auto& [conn, connection] : life_->connections) {
    Reply reply;
    reply.closed = true;
    place_.to_client(connection.client, conn, reply);
  }
  // What a dying journal object writes goes to the disk that is thrown away.
  auto disk = std::make_unique<test::MemoryDisk>(*kept_.disk);
  life_.reset();
  kept_.disk = std::move(disk);
  place_.network.killed(side());
  if (on_end) on_end();
}

void Node::stop() {
  if (life_) life_->process.stop();
}

void Node::go_on() {
  if (life_ && life_->process.stopped()) life_->process.go_on();
}

void Node::lose_power(unsigned kept) {
  if (life_) {
    auto disk = std::make_unique<test::MemoryDisk>(*kept_.disk);
    life_.reset();
    kept_.disk = std::move(disk);
    place_.network.silent(side());
  }
  place_.say(name_ + ": loses power");
  kept_.disk->lose_power(place_.random.engine(), kept);
  tail_lost = true;
}

// In the middle of a write, or by the sync worker.
void Node::journal_failed(const std::string& line) {
  if (!life_ || life_->process.ending() || life_->dead) return;
  place_.say(name_ + ": " + line);
  life_->dead = true;
  if (life_->process.inside()) throw ProcessEnds{};
  place_.clock.after(0, [this, life = life_.get()] {
    if (life_.get() == life) kill("stopped");
  });
}

bool Node::running() const {
  return life_ && life_->replicator && !life_->dead;
}

bool Node::spent() const {
  return life_ && life_->process.killed();
}

void Node::call(std::function<void()> what) {
  if (life_) life_->process.post(std::move(what));
}

void Node::carry_out(const Order& order, const Told& told) {
  if (!running()) return;
  repl::Replicator& replicator = *life_->replicator;
  const auto tell = [&](const Status& done) {
    told({done ? "" : done.error().message, status().epoch, status().change});
  };
  const bool stale = order.change != 0 && order.change != status().change;
  if (stale) return tell(Error{"the broker's episode is another one than that of the order"});
  switch (order.kind) {
    case Order::Kind::promote: {
      const auto in_time = [&] {
        return order.deadline == 0 || place_.boottime_ms(side()) <= order.deadline;
      };
      if (!in_time()) return tell(Error{"the order to promote came after its deadline"});
      const Result<Epoch> reigns = replicator.promote(order.epoch, order.force, in_time);
      return tell(reigns ? Status(Done{}) : Status(reigns.error()));
    }
    case Order::Kind::solo:
      return tell(replicator.go_solo(order.by));
    case Order::Kind::demote:
      return tell(replicator.demote("ordered"));
    case Order::Kind::lose_sync:
      return tell(replicator.lose_sync("ordered"));
    case Order::Kind::switchover:
      return switchover(told);
    case Order::Kind::none:
      return;
  }
}

bool Node::listens() const {
  return life_ && life_->link != nullptr && life_->link->listens();
}

void Node::connected(std::uint64_t connection) {
  if (running()) life_->link->connected(connection);
}

void Node::received(std::uint64_t connection, const std::string& bytes) {
  if (running()) life_->link->received(connection, bytes);
}

void Node::closed(std::uint64_t connection, const std::string& reason) {
  if (running()) life_->link->closed(connection, reason);
}

repl::ReplicaStatus Node::status() const {
  return running() ? life_->replicator->status() : repl::ReplicaStatus{};
}

core::StateFigures Node::figures() const {
  return life_ ? life_->state.figures() : core::StateFigures{};
}

std::uint64_t Node::wills_published() const {
  return counters_.wills_published;
}

std::uint64_t Node::hash() const {
  return life_ ? life_->state.hash() : 0;
}

}  // namespace tandemq::sim
