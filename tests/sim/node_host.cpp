// The driver speaks to the node: records, commits, roles, images of the state; and what the
// checkers have to know of it. As broker/shell/node_host.cpp and node_snapshot.cpp.
#include <algorithm>
#include <utility>

#include "broker/base/bytes.h"
#include "tests/sim/node_history.h"
#include "tests/sim/node_life.h"

namespace tandemq::sim {

repl::Runtime::Timer Node::Runtime::every(std::uint32_t ms, std::function<void()> what) {
  struct Repeated {
    Process& process;
    TimeUs interval;
    std::function<void()> what;
    static void arm(const std::weak_ptr<Repeated>& weak) {
      const auto self = weak.lock();
      if (!self) return;
      self->process.after(self->interval, [weak] {
        const auto held = weak.lock();
        if (!held) return;
        arm(weak);
        held->what();
      });
    }
  };
  auto timer = std::make_shared<Repeated>(Repeated{process_, ms * kMs, std::move(what)});
  Repeated::arm(timer);
  return timer;
}

void Node::Runtime::log(const char* level, const char* event, const std::string& reason) {
  const std::string_view name = event;
  if (name == "journal_tail_cut") node_.life_->tail_cut = true;
  if (name == "acknowledged_lost") node_.place_.checker.told_lost(std::stoull(reason));
  if (std::string_view(level) == "info" || name == "journal_tail_cut") return;
  node_.place_.say(node_.name_ + ": " + event + ": " + reason);
}

void Node::Runtime::about_to(const repl::Action& action) {
  if (node_.actions_left != 0 && --node_.actions_left == 0) throw ProcessEnds{};
  if (const auto* a = std::get_if<repl::action::AppendControl>(&action)) {
    if (a->kind != repl::ControlKind::reign_began) return;
    Life& life = *node_.life_;
    life.reign = {a->epoch, a->lsn};
    const NodeHistory history{node_.name_, *life.replicator, node_.place_.checker};
    if (history.reign_begins()) life.released = 0;
  } else if (const auto* cut = std::get_if<repl::action::CutJournal>(&action)) {
    node_.place_.say(node_.name_ + ": cuts records " + std::to_string(cut->after + 1) + " to " +
                     std::to_string(node_.life_->replicator->journal_figures().last));
  } else if (const auto* install = std::get_if<repl::action::InstallSnapshot>(&action)) {
    node_.place_.say(node_.name_ + ": installs a snapshot up to record " +
                     std::to_string(install->lsn));
  }
}

void Node::Runtime::stepped(const repl::Replica& replica) {
  const Status sound = repl::check_invariants(replica);
  if (!sound) node_.place_.checker.violate(node_.name_ + ": " + sound.error().message);
}

Status Node::apply(const repl::FrameView& frame) {
  Life& life = *life_;
  const bool skip = config_.broken == Broken::apply && frame.kind == 24 && frame.lsn % 7 == 0;
  if (!skip) {
    const Status applied =
        life.state.apply_encoded(frame.lsn, static_cast<core::Kind>(frame.kind), frame.body);
    if (!applied) place_.checker.violate(name_ + ": " + applied.error().message);
  }
  if (place_.checker.knows_state(frame.lsn, frame.epoch)) note_state(frame.lsn);
  return Done{};
}

void Node::committed(Lsn lsn) {
  Life& life = *life_;
  NodeHistory{name_, *life.replicator, place_.checker}.committed(life.released, lsn);
  if (lsn <= life.released) place_.checker.violate(name_ + ": committed went back");
  life.released = lsn;
  core::Effects free;
  life.outbox.release(lsn, [&free](core::Effect&& one) { free.push_back(std::move(one)); });
  release(free);
}

void Node::status_changed(const repl::ReplicaStatus& status) {
  Life& life = *life_;
  place_.say(name_ + ": " + repl::to_string(status.role) + " " +
             repl::to_string(status.pair_state) + (status.in_sync ? " in_sync" : "") + " epoch=" +
             std::to_string(epoch_counter(status.epoch)) + " last=" + std::to_string(status.last) +
             " committed=" + std::to_string(status.committed) + ": " + status.reason);
  life.known = status;
  const bool leads = status.role == repl::Role::primary;
  if (leads && !life.engine) {
    place_.checker.reign_began(life.reign.first, life.reign.second);  // written by now
    life.engine = std::make_unique<core::Engine>(life.state, *this, limits_, nullptr, counters_);
    life.released = status.committed;
  }
  if (!leads && life.engine) {
    if (config_.broken == Broken::fence) {  // lets out what it held
      core::Effects held;
      life.outbox.release(life.state.meta().lsn,
                          [&held](core::Effect&& one) { held.push_back(std::move(one)); });
      release(held);
    }
    stop_serving();
    life.engine.reset();
    life.state.demote();
  }
  if (on_status) on_status(status, false);
}

void Node::stands_still(const char*) {
  if (on_status && life_->replicator) on_status(status(), true);
}

TimeMs Node::pair_time() {
  return static_cast<TimeMs>(static_cast<std::int64_t>(local_us() / 1000) + life_->pair_offset_ms);
}

void Node::learn_pair_time(TimeMs time) {
  const auto offset =
      static_cast<std::int64_t>(time) - static_cast<std::int64_t>(local_us() / 1000);
  life_->pair_offset_ms = std::max(life_->pair_offset_ms, offset);
}

void Node::make_snapshot(std::function<void(Result<SnapshotFile>)> ready) {
  life_->images.make_snapshot(std::move(ready));
}

void Node::release_snapshot(const SnapshotFile&) {}

Status Node::install_snapshot(const std::string& path, Lsn lsn) {
  return life_->images.install(path, lsn);
}

Result<Lsn> Node::rebuild_until(Lsn lsn) {
  return life_->images.rebuild_until(lsn);
}

}  // namespace tandemq::sim
