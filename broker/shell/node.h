// Node: one tandemqd. It owns the event loop and everything that runs on it, and is what the
// replicator and the control socket speak to. No other thread touches it (the journal's sync
// worker, the checkpoint worker and the metrics endpoint have data of their own).
//
// A turn of the loop: callbacks (clients read, the peer heard, orders), then end_of_turn: one
// journal write and one send to the peer, effects that became safe, one send to each client.
#pragma once

#include <event2/event_struct.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/access/access.h"
#include "broker/clients/clients.h"
#include "broker/config/config.h"
#include "broker/core/engine.h"
#include "broker/core/state.h"
#include "broker/net/admission.h"
#include "broker/net/fronts.h"
#include "broker/net/listeners.h"
#include "broker/shell/account_orders.h"
#include "broker/shell/control.h"
#include "broker/shell/data_dir.h"
#include "broker/shell/group_commit.h"
#include "broker/shell/images.h"
#include "broker/shell/meeting_log.h"
#include "broker/shell/memory_watch.h"
#include "broker/shell/metrics.h"
#include "broker/shell/orders.h"
#include "broker/shell/peer_absence.h"
#include "broker/shell/recovery_door.h"
#include "broker/shell/status_log.h"
#include "broker/shell/sys_topics.h"
#include "broker/support/turn.h"
#include "replicator/driver/replicator.h"
#include "replicator/shell/link_tls.h"

struct event_base;

namespace tandemq::broker {

class Node : public repl::ReplicatorHost, public Orders {
 public:
  explicit Node(Config config);
  ~Node() override;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Opens sockets, recovers the state, starts replication. Error::code is the exit code.
  Status start();
  // Serves until told to stop; returns the exit code.
  int run();

  // repl::ReplicatorHost (node_host.cpp)
  Status apply(const repl::FrameView& frame) override;
  void committed(Lsn lsn) override;
  void status_changed(const repl::ReplicaStatus& status) override;
  TimeMs pair_time() override { return clock_.at(monotonic_ns()); }
  void learn_pair_time(TimeMs time) override { clock_.follow(time, monotonic_ns()); }
  void make_snapshot(std::function<void(Result<SnapshotFile>)> ready) override {
    images_.make_snapshot(std::move(ready));
  }
  void release_snapshot(const SnapshotFile& file) override;
  void stands_still(const char* for_what) override;
  Status install_snapshot(const std::string& path, Lsn lsn) override {
    return images_.install_snapshot(path, lsn);
  }
  Result<Lsn> rebuild_until(Lsn lsn) override { return images_.rebuild_until(lsn); }
  std::uint64_t state_hash() override { return state_.hash(); }

  // Orders (node_orders.cpp)
  NodeStatus status() override;
  Result<Epoch> promote(Epoch at_least, bool force, const std::string& reason,
                        const std::function<bool()>& stands) override;
  Status demote(const std::string& reason) override;
  Status solo(const std::string& authority) override;
  Status lose_sync(const std::string& reason) override;
  void switchover(const std::string& reason, Answer<Done> done) override;
  void leave(const std::string& reason, Answer<Done> done) override;
  void checkpoint(Answer<Lsn> done) override { images_.checkpoint(std::move(done)); }
  Status reload() override;
  void change_account(core::AccountOrder order, const std::string& by, Answer<Done> done) override;
  const core::Accounts& accounts() override { return state_.accounts(); }
  void shutdown() override;

 private:
  enum class Stopping : std::uint8_t {
    no,
    handing_over,
    committing,
    following,
    leaving,
    lingering,
    stopped
  };

  // node_start.cpp
  Status open_sockets();
  Status open_storage();
  Status open_control();
  void tell_recovery(const std::string& doing);
  void add_timers();
  void tell_doubts() const;
  // node.cpp
  void end_of_turn();
  void tick();
  void every_second();
  void hold_ports();
  void tell_peer_absence(const NodeStatus& now) const;
  // node_stop.cpp
  void hand_over();
  void handed_over(bool done);
  void leave_pair();
  void continue_stopping();
  void continue_with(Stopping step, std::uint64_t at_most_ns);
  void stop_with(int exit_code);
  void admit(std::size_t entrance, std::unique_ptr<net::Transport> transport);
  // node_host.cpp
  void begin_reign(const repl::ReplicaStatus& status);
  void end_reign();

  const Config config_;
  event_base* base_;
  DataDir data_dir_;
  PairClock clock_;
  Turn turn_;
  core::State state_;
  Images images_;
  std::unique_ptr<Access> access_;
  std::unique_ptr<net::Fronts> fronts_;
  repl::LinkTls link_tls_;
  Clients clients_;
  AccountOrders account_orders_;
  MemoryWatch memory_;
  net::Admission admission_;
  net::Listeners listeners_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<repl::Replicator> replicator_;
  std::unique_ptr<core::Engine> engine_;  // while this node leads
  std::unique_ptr<RecoveryDoor> door_;    // until there is a state to be asked about
  std::unique_ptr<Control> control_;
  SysTopics sys_topics_;
  core::Effects effects_;

  std::string busy_;               // what the loop stands still for in this turn
  core::EngineCounters counters_;  // of all reigns
  Histogram turn_length_;
  std::uint64_t turn_ns_max_ = 0;
  std::uint64_t started_ns_, reign_ns_ = 0;
  StatusLog status_log_;
  GroupCommit commit_;
  std::uint64_t ticks_ = 0, seconds_ = 0;
  PeerAbsence peer_absence_;
  MeetingLog meeting_log_;
  bool replicator_started_ = false;
  bool switching_over_ = false;
  bool handed_over_ = false;  // the peer reigns by this node's offer
  Stopping stopping_ = Stopping::no;
  std::uint64_t stop_by_ns_ = 0;
  int exit_code_ = 0;
  struct event tick_event_ {};
  struct event signal_events_[3]{};
  std::vector<struct event*> added_;
};

}  // namespace tandemq::broker
