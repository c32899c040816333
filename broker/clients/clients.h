// All client connections: puts the stages of the data path together and gives each its callbacks.
//
//   net::Channel → Intake → Dispatch → engine → Deliverer (Outbox) → PacketWriter → net::SendQueue
//
// Effects that may go at once are in the channels when the command is done, others when they are
// committed; the end of the turn sends once a connection.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "broker/clients/intake.h"
#include "broker/clients/quotas.h"
#include "broker/clients/review.h"

namespace tandemq::broker {

class Clients final : private net::ChannelUser {
 public:
  // What it needs from outside. All references outlive it.
  struct Around {
    const core::Limits& limits;
    const net::ConnectionLimits& connections;
    const PairClock& clock;
    Turn& turn;
    Authenticator& authenticator;
    std::function<void()> end_turn_early;  // see TurnShare
  };

  Clients(Around around, std::vector<Entrance> entrances);
  ~Clients();

  // A reign begins: commands go to `engine`, which outlives it (until end_reign).
  void begin_reign(core::Engine* engine, Lsn committed);
  // Closes all connections, with DISCONNECT `reason` to those that understand it, and drops what
  // is held. The engine is not told: its state knows by itself that the reign is over.
  void end_reign(mqtt::Reason reason);
  // Closes all that is left, at once.
  void close_all();

  // A connection that came in by this entrance, in the order they were given.
  // False when it is refused.
  bool accept(std::size_t entrance, std::unique_ptr<net::Transport> transport);
  // Effects of commands that did not come from a connection; empties `effects`.
  void put(core::Effects& effects) { deliverer_.put(effects); }
  // Effects up to `lsn` may go; records of so many bytes are not committed still.
  void committed(Lsn lsn, std::size_t uncommitted_bytes);
  void uncommitted(std::size_t bytes) { pause_.uncommitted(bytes); }
  // One send for each connection that has something to say.
  void end_turn();
  // Keep-alive, connect time and lingering; call about once a second. Whom it does not come to
  // is left for the next turns.
  void sweep();

  // Something waits that the last turn had no time for: the loop must not sleep.
  bool has_backlog() const {
    return sweeping_ || review_.pending() || (share_.has_backlog() && !pause_.on());
  }
  void work_backlog();
  // Call ten times a second.
  void tick();
  // What the memory of the process asks for.
  void memory(MemoryState state);
  // Frees buffers that nobody uses, and the connections with the largest ones until so many bytes
  // are freed.
  void free_buffers(std::uint64_t bytes);
  // Reads from nobody (switchover in progress).
  void pause_reading(bool pause) { pause_.order(pause); }
  // The engine goes by other rights from now on.
  void rules_changed() { deliverer_.recheck(); }
  // Files that clients were let in by have been read again.
  void review() { review_.begin(); }

  ClientCounters counters() const;
  ClientFigures figures() const;
  std::size_t size() const { return table_.size(); }
  // Monotonic time of the first accepted CONNECT of this reign, 0 when there was none.
  std::uint64_t first_connect_ns() const { return connect_.first_ns(); }

 private:
  void channel_readable(std::uint64_t id) override;
  void channel_writable(std::uint64_t id) override;
  void channel_lost(std::uint64_t id) override;
  void end_callback();
  void flush();
  enum class Verdict : std::uint8_t { stays, ended };
  Verdict look_at(Client& client);
  Verdict look_at_served(Client& client);
  Verdict introduce(Client& client);
  const char* full_at(const Entrance& through, const std::string& address) const;

  const core::Limits& limits_;
  const net::ConnectionLimits& connections_;
  Quotas quotas_;  // clients hold places of it
  const PairClock& clock_;
  Turn& turn_;
  std::vector<Entrance> entrances_;
  ClientCounters counters_;
  Reign reign_;
  net::ChannelPool pool_;
  ClientTable table_;
  PacketWriter writer_;
  Stages stages_;
  TurnShare share_;
  Deliverer deliverer_;
  ReadingPause pause_;
  PublishGate gate_;
  ConnectStage connect_;
  ExchangeStage exchange_;
  Dispatch dispatch_;
  Intake intake_;
  Review review_;
  MemoryState memory_ = MemoryState::ample;
  bool sweeping_ = false;  // some are left to be looked at
};

}  // namespace tandemq::broker
