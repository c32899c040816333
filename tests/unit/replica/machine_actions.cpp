// What the machine wants done, done to a node in memory.
#include <algorithm>
#include <cstdio>

#include "broker/base/bytes.h"
#include "broker/base/crc32c.h"
#include "machine_world.h"

namespace tandemq::repl {
namespace {

std::vector<Identity> unpack(const Identity& image) {
  std::vector<Identity> state;
  for (ByteReader in(image); in.left() > 0;) state.emplace_back(in.string32());
  return state;
}

std::string action_name(const Action& action) {
  static const char* names[] = {
      "PersistMeta",  "AppendControl", "AppendFrames",    "WriteJournal",   "RequestSync",
      "CutJournal",   "Send",          "SendRecords",     "Apply",          "Commit",
      "MakeSnapshot", "SendSnapshot",  "ReleaseSnapshot", "StoreSnapshot",  "InstallSnapshot",
      "LearnTime",    "DropLink",      "StatusChanged",   "SwitchoverDone", "LeaveDone"};
  static_assert(std::size(names) == std::variant_size_v<Action>);
  const auto* sent = std::get_if<action::Send>(&action);
  return sent != nullptr ? std::string("Send ") + name_of(sent->message) : names[action.index()];
}

template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

}  // namespace

void MachineWorld::send(MachineNode& node, const Message& message) {
  MachineNode& peer = peer_of(node);
  if (!node.connected || !peer.connected) return;
  std::string bytes;
  encode(bytes, message);
  peer.inbox.push_back(std::move(bytes));
}

void MachineWorld::carry_out(MachineNode& node, const Action& action,
                             std::deque<EventKind>& follow_up) {
  node.actions.push_back(action_name(action));
  if (trace) std::fprintf(stderr, "  %u %s\n", node.index, node.actions.back().c_str());
  std::visit(
      Overload{
          [&](const action::PersistMeta& x) { node.meta = x.meta; },
          [&](const action::AppendControl& x) {
            if (x.lsn != node.last() + 1) broke("a control record with the wrong LSN");
            add(node, x.epoch, static_cast<std::uint16_t>(x.kind), "control");
            node.state.push_back(identity_of(node.journal.back()));
            node.applied_through = node.last();
          },
          [&](const action::AppendFrames& x) {
            if (x.first != node.last() + 1) broke("frames do not continue the journal");
            FrameView frame;
            for (std::string_view rest = x.frames; !rest.empty();) {
              read_frame(rest, frame);
              node.journal.emplace_back(frame.bytes);
              rest.remove_prefix(frame.bytes.size());
            }
            if (x.last != node.last()) broke("frames were miscounted");
          },
          [&](const action::WriteJournal&) { follow_up.push_back(event::Written{node.last()}); },
          [&](const action::RequestSync&) { node.sync_asked = true; },
          [&](const action::CutJournal& x) {
            cut_journal(node, x);
            const bool possible = node.checkpoint.size() <= x.after;
            if (x.rebuild) follow_up.push_back(event::Rebuilt{possible, "checkpoint is beyond"});
          },
          [&](const action::Send& x) { send(node, x.message); },
          [&](const action::SendRecords& x) {
            std::string frames;
            Lsn last = x.from - 1;
            if (x.from < std::max<Lsn>(node.first(), 1)) broke("sends what the journal dropped");
            while (last < x.to && (frames.empty() || frames.size() < x.max_bytes)) {
              frames += node.journal[last++ - node.checkpoint.size()];
            }
            send(node, msg::Records{frames});
            follow_up.push_back(event::RecordsSent{last, frames.size()});
          },
          [&](const action::Apply& x) {
            while (node.applied_through < x.through) {
              const Lsn at = node.applied_through++ - node.checkpoint.size();
              node.state.push_back(identity_of(node.journal[at]));
            }
          },
          [&](const action::Commit& x) { check_committed(node, x.lsn); },
          [&](const action::MakeSnapshot&) { node.snapshot_asked = true; },
          [&](const action::SendSnapshot& x) {
            stream_snapshot(node, x.history);
            follow_up.push_back(event::SnapshotSent{});
          },
          [&](const action::ReleaseSnapshot&) {},
          [&](const action::StoreSnapshot& x) {
            if (!x.bytes.empty()) node.snapshot_in = unpack(std::string(x.bytes));
          },
          [&](const action::InstallSnapshot& x) {
            install(node, x.lsn);
            follow_up.push_back(event::SnapshotInstalled{true, ""});
          },
          [&](const action::LearnTime&) {},
          [&](const action::DropLink&) {
            if (node.connected && peer_of(node).connected) peer_of(node).closing = true;
            node.connected = node.closing = false;
            node.inbox.clear();
          },
          [&](const action::StatusChanged&) {},
          [&](const action::SwitchoverDone& x) {
            node.switchover_done = true;
            node.switchover_ok = x.ok;
          },
          [&](const action::LeaveDone&) {},
      },
      action);
}

void MachineWorld::cut_journal(MachineNode& node, const action::CutJournal& cut) {
  while (node.last() > cut.after && !node.journal.empty()) {
    const auto known = committed.find(node.last());
    const Identity identity = identity_of(node.journal.back());
    const bool kept = node.last() <= cut.quarantine_through;
    if (kept) node.quarantined.push_back(identity);
    if (known != committed.end() && known->second == identity && !forced) {
      broke("a committed record was cut");
    }
    node.journal.pop_back();
  }
  node.synced = std::min(node.synced, node.last());
  node.sync_asked = false;
  if (node.checkpoint.size() > cut.after) return;
  node.state.resize(std::min<std::size_t>(node.state.size(), cut.after));
  node.applied_through = std::min(node.applied_through, cut.after);
}

void MachineWorld::install(MachineNode& node, Lsn lsn) {
  if (node.snapshot_in.size() != lsn) broke("a snapshot of another LSN was installed");
  node.checkpoint = node.state = node.snapshot_in;
  node.journal.clear();
  node.synced = node.applied_through = lsn;
}

void MachineWorld::stream_snapshot(MachineNode& node, const EpochHistory& history) {
  const std::string image = pack(node.snapshot_out);
  send(node, msg::SnapshotBegin{node.snapshot_out.size(), image.size(), history});
  send(node, msg::SnapshotChunk{0, crc32c(image), image});
  send(node, msg::SnapshotEnd{crc32c(image)});
}

}  // namespace tandemq::repl
