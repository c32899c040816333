// Carries out what the replication machine wants done, in order, and feeds the answers back.
#include <utility>

#include "broker/base/bytes.h"
#include "broker/base/check.h"
#include "broker/base/crc32c.h"
#include "tests/sim/node_process.h"

namespace tandemq::sim {
namespace {

constexpr std::size_t kSnapshotChunk = 100;
constexpr std::size_t kSnapshotBytes = 450;  // the number of the image, and padding

std::string control_body(const repl::action::AppendControl& a, TimeMs time) {
  std::string body;
  if (a.kind == repl::ControlKind::reign_began) put_le(body, a.epoch);
  put_le(body, time);
  if (a.kind == repl::ControlKind::went_solo) put_string16(body, a.reason);
  return body;
}

}  // namespace

struct Node::Executor {
  Node& node;
  Process& p;

  void answer(repl::EventKind event) { p.feedback.push_back(std::move(event)); }

  void operator()(const repl::action::PersistMeta& a) { node.meta_ = a.meta; }
  void operator()(const repl::action::AppendControl& a) {
    if (a.kind == repl::ControlKind::reign_began) {
      node.place_.checker.reign_began(a.epoch, a.lsn);
      node.check_reign();
    }
    const std::string body = control_body(a, node.pair_time());
    const Lsn lsn = p.journal->append(a.epoch, static_cast<std::uint16_t>(a.kind), body);
    TMQ_CHECK(lsn == a.lsn);
    const Status applied = p.state.apply_encoded(lsn, static_cast<core::Kind>(a.kind), body);
    if (!applied) node.place_.checker.violate(node.name_ + ": " + applied.error().message);
  }
  void operator()(const repl::action::AppendFrames& a) {
    p.journal->append_frames(a.frames, a.first, a.last);
    p.to_apply.append(a.frames);
  }
  void operator()(const repl::action::WriteJournal&) {
    p.journal->flush();
    answer(repl::event::Written{p.journal->figures().written});
  }
  void operator()(const repl::action::RequestSync&) {
    const Lsn written = p.journal->figures().written;
    const TimeUs delay = node.place_.random.between(50, std::max<TimeUs>(node.disk_delay_max, 51));
    node.later(delay, [n = &node, written] {
      if (n->config_.broken != Broken::sync) n->process_->journal->sync_now();
      // The journal may have been cut meanwhile.
      const Lsn held = n->process_->journal->figures().written;
      if (n->disk_->sync_error == 0) n->step(repl::event::Synced{std::min(written, held)});
    });
  }
  void operator()(const repl::action::CutJournal& a);
  void operator()(const repl::action::Send& a) {
    repl::Message message = a.message;
    auto* heartbeat = std::get_if<repl::msg::Heartbeat>(&message);
    if (heartbeat != nullptr && p.replica.role() == repl::Role::primary) {
      heartbeat->pair_time = node.pair_time();
    }
    std::string bytes;
    repl::encode(bytes, message);
    node.place_.network.send(node.side(), std::move(bytes));
  }
  void operator()(const repl::action::SendRecords& a);
  void operator()(const repl::action::Apply& a) { node.apply_frames(p.to_apply, a.through); }
  void operator()(const repl::action::Commit& a) { node.committed(a.lsn); }
  void operator()(const repl::action::MakeSnapshot&) {
    node.later(node.place_.random.between(1 * kMs, 30 * kMs), [n = &node] {
      Process& process = *n->process_;
      process.snapshot = Image::of(process.state);
      n->step(repl::event::SnapshotReady{true, process.snapshot->lsn(), kSnapshotBytes, ""});
    });
  }
  void operator()(const repl::action::SendSnapshot& a);
  void operator()(const repl::action::ReleaseSnapshot&) { p.snapshot = nullptr; }
  void operator()(const repl::action::StoreSnapshot& a) {
    if (a.bytes.empty()) p.arriving.clear();
    p.arriving.append(a.bytes);
  }
  void operator()(const repl::action::InstallSnapshot& a);
  void operator()(const repl::action::LearnTime& a) {
    const auto offset =
        static_cast<std::int64_t>(a.pair_time) - static_cast<std::int64_t>(node.local_us() / 1000);
    p.pair_offset_ms = std::max(p.pair_offset_ms, offset);
  }
  void operator()(const repl::action::DropLink& a) {
    node.place_.network.close(node.side());
    p.dial_at = node.place_.clock.now() + (a.back_off ? 500 : 20) * kMs;
  }
  void operator()(const repl::action::StatusChanged&);
  void operator()(const repl::action::SwitchoverDone& a) {
    node.place_.say(node.name_ + ": switchover " + (a.ok ? "done: " : "failed: ") + a.reason);
    p.draining = false;
    p.serving = p.replica.role() == repl::Role::primary;
  }
  void operator()(const repl::action::LeaveDone&) {
    node.later(1 * kMs, [n = &node] { n->kill("left"); });
  }
};

void Node::Executor::operator()(const repl::action::CutJournal& a) {
  const Lsn last = p.journal->figures().last;
  node.place_.say(node.name_ + ": cuts records " + std::to_string(a.after + 1) + " to " +
                  std::to_string(last));
  if (a.quarantine_through > a.after) node.quarantined_ += a.quarantine_through - a.after;
  const Status cut = p.journal->truncate_after(a.after, nullptr);
  if (!cut && a.rebuild) return answer(repl::event::Rebuilt{false, cut.error().message});
  p.to_apply.clear();
  if (!a.rebuild) return;
  if (node.checkpoint_ && node.checkpoint_->lsn() > a.after) {
    return answer(repl::event::Rebuilt{false, "the checkpoint is beyond the cut"});
  }
  p.state.clear();
  if (node.checkpoint_) node.checkpoint_->restore(p.state);
  std::string frames;
  const auto read = p.journal->read(p.state.meta().lsn + 1, ~std::size_t{0}, frames);
  const bool ok = read && *read == a.after && node.apply_frames(frames, a.after);
  answer(repl::event::Rebuilt{ok, ok ? "" : "the journal cannot be read"});
}

void Node::Executor::operator()(const repl::action::SendRecords& a) {
  std::string frames;
  Lsn last = a.from - 1;
  if (a.from <= p.journal->figures().written) {
    const auto read = p.journal->read(a.from, a.max_bytes, frames);
    if (read) last = *read;
  } else {
    std::string_view left = p.journal->pending();
    repl::FrameView frame;
    while (repl::read_frame(left, frame) == repl::FrameRead::frame && frame.lsn <= a.to &&
           (frames.empty() || frames.size() + frame.bytes.size() <= a.max_bytes)) {
      if (frame.lsn >= a.from) frames.append(frame.bytes), last = frame.lsn;
      left.remove_prefix(frame.bytes.size());
    }
  }
  std::string bytes;
  repl::encode_records_header(bytes, frames.size());
  bytes += frames;
  if (last >= a.from) node.place_.network.send(node.side(), std::move(bytes));
  answer(repl::event::RecordsSent{last, frames.size()});
}

void Node::Executor::operator()(const repl::action::SendSnapshot& a) {
  const std::uint64_t number = node.place_.snapshots.size() + 1;
  node.place_.snapshots[number] = p.snapshot;
  std::string file;
  put_le(file, number);
  file.resize(kSnapshotBytes, 's');
  const auto send = [this](const repl::Message& message) {
    std::string bytes;
    repl::encode(bytes, message);
    node.place_.network.send(node.side(), std::move(bytes));
  };
  send(repl::msg::SnapshotBegin{p.snapshot->lsn(), file.size(), a.history});
  for (std::size_t at = 0; at < file.size(); at += kSnapshotChunk) {
    const std::string_view chunk = std::string_view(file).substr(at, kSnapshotChunk);
    send(repl::msg::SnapshotChunk{at, crc32c(chunk), chunk});
  }
  send(repl::msg::SnapshotEnd{crc32c(file)});
  answer(repl::event::SnapshotSent{});
}

void Node::Executor::operator()(const repl::action::InstallSnapshot& a) {
  const auto found = node.place_.snapshots.find(get_le<std::uint64_t>(p.arriving.data()));
  TMQ_CHECK(p.arriving.size() == kSnapshotBytes && found != node.place_.snapshots.end());
  node.place_.say(node.name_ + ": installs a snapshot up to record " + std::to_string(a.lsn));
  const Status reset = p.journal->reset(a.lsn + 1);
  node.checkpoint_ = found->second;
  node.checkpoint_->restore(p.state);
  p.to_apply.clear();
  answer(repl::event::SnapshotInstalled{bool(reset), reset ? "" : reset.error().message});
}

void Node::Executor::operator()(const repl::action::StatusChanged&) {
  const repl::ReplicaStatus status = p.replica.status();
  node.place_.say(node.name_ + ": " + repl::to_string(status.role) + " " +
                  repl::to_string(status.pair_state) + (status.in_sync ? " in_sync" : "") +
                  " epoch=" + std::to_string(epoch_counter(status.epoch)) +
                  " last=" + std::to_string(status.last) +
                  " committed=" + std::to_string(status.committed) + ": " + status.reason);
  const bool reigns = status.role == repl::Role::primary;
  if (!reigns && p.serving) node.stop_serving();
  if (!reigns) p.state.demote();
  if (reigns) p.serving = !p.draining;
}

void Node::step(repl::EventKind what) {
  Process& p = *process_;
  if (p.dead) return;
  if (p.stepping) return p.feedback.push_back(std::move(what));
  p.stepping = true;
  step_one(std::move(what));
  while (!p.feedback.empty() && !p.dead) {
    repl::EventKind next = std::move(p.feedback.front());
    p.feedback.pop_front();
    step_one(std::move(next));
  }
  p.stepping = false;
}

void Node::step_one(repl::EventKind what) {
  Process& p = *process_;
  repl::Output out;
  p.replica.step({std::move(what), local_us() / 1000}, out);
  if (!out.refusal.empty()) p.refusal = out.refusal;
  Executor executor{*this, p};
  for (const repl::Action& action : out.actions) {
    std::visit(executor, action);
    if (p.dead) return;
  }
  const Status sound = repl::check_invariants(p.replica);
  if (!sound) place_.checker.violate(name_ + ": " + sound.error().message);
}

}  // namespace tandemq::sim
