#include "machine_world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "broker/base/bytes.h"
#include "replicator/core/history.h"

namespace tandemq::repl {
Identity identity_of(const std::string& frame) {
  FrameView view;
  read_frame(frame, view);
  return std::to_string(view.epoch) + ":" + std::string(view.body);
}

std::string pack(const std::vector<Identity>& state) {
  std::string out;
  for (const Identity& record : state) put_string32(out, record);
  return out;
}

MachineWorld::MachineWorld(CommitRule rule) {
  for (MachineNode* node : {&a, &b}) {
    node->config.node_index = node->index;
    node->config.node_name = node->index == 1 ? "a" : "b";
    node->config.pair_id = "world";
    node->config.software = "1.0";
    node->config.known = node->config.baseline = features_with({{kFirstUserKind, 1}}, 1);
    node->config.commit = rule;
  }
}

void MachineWorld::start(MachineNode& node) {
  node.replica = std::make_unique<Replica>(node.config);
  node.state = node.checkpoint;
  for (const std::string& frame : node.journal) node.state.push_back(identity_of(frame));
  node.applied_through = node.last();
  Meta meta = node.meta;
  trim_history(meta.history, node.last());
  FrameView frame;
  for (const std::string& bytes : node.journal) {
    read_frame(bytes, frame);
    if (meta.history.empty() || frame.epoch > meta.history.back().epoch) {
      extend_history(meta.history, frame.epoch, frame.lsn);
    }
  }
  step(node, event::Started{meta, node.first(), node.last(), node.synced});
}

void MachineWorld::kill(MachineNode& node) {
  if (!node.replica) return;
  node.replica.reset();
  node.sync_asked = node.snapshot_asked = false;
  if (node.connected) peer_of(node).closing = true;
  node.connected = node.closing = false;
  node.inbox.clear();
}

void MachineWorld::lose_power(MachineNode& node) {
  kill(node);
  const Lsn keep = std::max<Lsn>(node.synced, node.checkpoint.size());
  node.journal.resize(std::min<std::size_t>(node.journal.size(), keep - node.checkpoint.size()));
}

void MachineWorld::damage(MachineNode& node) {
  Meta meta = node.meta;
  replace_disk(node);
  node.meta = std::move(meta);
  node.meta.needs_snapshot = true;
  node.meta.in_sync = false;
  node.meta.history.clear();
}

void MachineWorld::replace_disk(MachineNode& node) {
  node.meta = Meta{};
  node.checkpoint.clear();
  node.journal.clear();
  node.synced = 0;
}

void MachineWorld::connect() {
  if (!network || !a.replica || !b.replica || a.connected || b.connected) return;
  for (MachineNode* node : {&a, &b}) {
    node->connected = true;
    node->closing = false;
    node->inbox.clear();
  }
  step(a, event::LinkUp{});
  if (b.connected) step(b, event::LinkUp{});
}

void MachineWorld::cut() {
  for (MachineNode* node : {&a, &b}) {
    if (!node->connected) continue;
    node->connected = node->closing = false;
    node->inbox.clear();
    if (node->replica) step(*node, event::LinkDown{"cut"});
  }
}

std::string MachineWorld::order(MachineNode& node, EventKind what) {
  node.refusal.clear();
  if (!node.replica) return "down";
  auto* promote = std::get_if<event::Promote>(&what);
  if (promote) forced = forced || promote->force;
  if (promote) promote->claims_first = claims_first;
  const bool was_primary = node.replica->role() == Role::primary;
  step(node, std::move(what));
  if (claims_first && node.refusal.empty()) step(node, event::Claimed{in_time});
  if (node.replica->role() == Role::primary && !was_primary) check_promoted(node);
  return node.refusal;
}

void MachineWorld::add(MachineNode& node, Epoch epoch, std::uint16_t kind,
                       const std::string& body) {
  std::string frame;
  write_frame(frame, epoch, node.last() + 1, kind, body);
  node.journal.push_back(frame);
}

void MachineWorld::append(MachineNode& node, int records) {
  if (!node.replica || node.replica->role() != Role::primary) return;
  for (int i = 0; i < records; ++i) {
    add(node, node.replica->epoch(), kFirstUserKind, "body " + std::to_string(++bodies_));
    node.state.push_back(identity_of(node.journal.back()));
    node.applied_through = node.last();
  }
  step(node, event::Appended{node.last()});
}

bool MachineWorld::deliver(MachineNode& node) {
  if (!node.connected || !node.replica) return false;
  if (node.inbox.empty()) {
    if (!node.closing) return false;
    node.connected = node.closing = false;
    step(node, event::LinkDown{"closed by the peer"});
    return true;
  }
  const std::string bytes = std::move(node.inbox.front());
  node.inbox.pop_front();
  Message message;
  std::size_t size = 0;
  if (decode(bytes, message, size) != WireRead::message || size != bytes.size()) {
    broke("a message cannot be read back");
    return true;
  }
  const bool was_primary = node.replica->role() == Role::primary;
  step(node, event::Received{&message});
  if (node.replica->role() == Role::primary && !was_primary) check_promoted(node);
  return true;
}

bool MachineWorld::finish_sync(MachineNode& node) {
  if (!node.replica || !node.sync_asked) return false;
  node.sync_asked = false;
  node.synced = node.last();
  step(node, event::Synced{node.synced});
  return true;
}

bool MachineWorld::finish_snapshot(MachineNode& node) {
  if (!node.replica || !node.snapshot_asked) return false;
  node.snapshot_asked = false;
  node.snapshot_out = node.state;
  step(node, event::SnapshotReady{true, node.last(), pack(node.state).size(), ""});
  return true;
}

void MachineWorld::trim(MachineNode& node, Lsn through) {
  if (!node.replica) return;
  // As the journal, which never drops its newest segment.
  through = std::min({through, node.applied_through, node.last() - std::min<Lsn>(1, node.last())});
  if (through <= node.checkpoint.size()) return;
  const auto drop = static_cast<std::ptrdiff_t>(through - node.checkpoint.size());
  node.checkpoint.assign(node.state.begin(),
                         node.state.begin() + static_cast<std::ptrdiff_t>(through));
  node.journal.erase(node.journal.begin(), node.journal.begin() + drop);
  node.synced = std::max(node.synced, through);
  if (node.first() != 0) step(node, event::JournalTrimmed{node.first()});
}

void MachineWorld::tick(std::uint64_t ms) {
  now_ms += ms;
  for (MachineNode* node : {&a, &b}) {
    if (node->replica) step(*node, event::Tick{});
  }
}

void MachineWorld::settle() {
  for (int quiet = 0; quiet < 20;) {
    bool any = false;
    for (MachineNode* node : {&a, &b}) {
      any = deliver(*node) || any;
      any = finish_sync(*node) || any;
      any = finish_snapshot(*node) || any;
    }
    if (any) continue;
    connect();
    tick();
    ++quiet;
  }
}

void MachineWorld::tell_standby() {
  pair_up();
  cut();
  order(b, event::LoseSync{"test"});
  order(a, event::GoSolo{"test"});
  finish_sync(a);
  connect();
  const std::size_t from = a.actions.size();
  const auto told = [&] {
    return std::find(a.actions.begin() + static_cast<std::ptrdiff_t>(from), a.actions.end(),
                     "Send InSync") != a.actions.end();
  };
  for (int i = 0; i < 100 && !told(); ++i) {
    if (!deliver(b) && !deliver(a) && !finish_sync(a)) tick();
  }
}

void MachineWorld::pair_up() {
  start(a);
  start(b);
  settle();
  order(a, event::Promote{});
  settle();
}

void MachineWorld::step(MachineNode& node, EventKind what) {
  if (trace) print_event(node, what);
  std::deque<EventKind> queue;
  queue.push_back(std::move(what));
  while (!queue.empty()) {
    Output out;
    node.replica->step({std::move(queue.front()), now_ms}, out);
    queue.pop_front();
    if (!out.refusal.empty()) node.refusal = out.refusal;
    std::deque<EventKind> follow_up;
    for (const Action& action : out.actions) carry_out(node, action, follow_up);
    queue.insert(queue.begin(), follow_up.begin(), follow_up.end());
    check(node);
  }
}

void MachineWorld::print_event(const MachineNode& node, const EventKind& what) const {
  static const char* names[] = {
      "Started",        "Tick",       "LinkUp",        "LinkDown",     "Received",
      "PeerRefused",    "Appended",   "Written",       "Synced",       "RecordsSent",
      "JournalTrimmed", "Rebuilt",    "SnapshotReady", "SnapshotSent", "SnapshotInstalled",
      "Promote",        "Claimed",    "Demote",        "GoSolo",       "LoseSync",
      "Leave",          "Switchover", "Ending"};
  static_assert(std::size(names) == std::variant_size_v<EventKind>);
  const auto* got = std::get_if<event::Received>(&what);
  const ReplicaStatus s = node.status();
  std::fprintf(stderr, "%u %s %s | %s %s last=%llu committed=%llu in_sync=%d: %s\n", node.index,
               names[what.index()], got != nullptr ? name_of(*got->message) : "", to_string(s.role),
               to_string(s.pair_state), static_cast<unsigned long long>(s.last),
               static_cast<unsigned long long>(s.committed), s.in_sync, s.reason.c_str());
}

void MachineWorld::check(MachineNode& node) {
  const Status holds = check_invariants(*node.replica);
  if (!holds) broke(holds.error().message);
  if (node.replica->last() != node.last() && !node.replica->meta().needs_snapshot) {
    broke("the machine believes in another last record than the journal");
  }
}

void MachineWorld::check_committed(MachineNode& node, Lsn through) {
  if (node.replica->role() != Role::primary) broke("a standby committed");
  for (Lsn lsn = through; lsn > 0; --lsn) {
    const auto [known, fresh] = committed.emplace(lsn, node.state[lsn - 1]);
    if (!fresh && known->second != node.state[lsn - 1] && !forced) {
      broke("two different records were committed as " + std::to_string(lsn));
    }
    if (!fresh) break;
  }
}

// Nothing committed by anyone may be missing where a new reign begins.
void MachineWorld::check_promoted(MachineNode& node) {
  if (forced) return;
  for (const auto& [lsn, identity] : committed) {
    if (lsn > node.state.size() || node.state[lsn - 1] != identity) {
      return broke("promoted without the committed record " + std::to_string(lsn));
    }
  }
}

void MachineWorld::broke(const std::string& what) {
  if (broken.empty()) broken = what;
}

}  // namespace tandemq::repl
