// The data path: all client connections, from bytes to commands of core::Engine and from its
// effects back to bytes.
//
// Each readable connection is read once a turn into one large buffer, and all whole packets in it
// are decoded in place and handled. Effects that may go at once are encoded into the connection's
// unsent bytes, others wait in the outbox. the end of the turn sends once a connection.
// A turn ends after a few milliseconds also when more connections are readable: their turn is next,
// and what is not a client's (the peer, the agent) comes before them.
//
// Bounded: what is unsent to a slow reader (QoS 0 to it is dropped above kUnsentMax; above QoS 0
// the window of the protocol bounds it; who lets more than kUnsentReadMax gather is not read from),
// what is held or not committed while the pair waits (then no connection is read from, QoS 0
// included, until half of it is gone), and the work of one callback and of one turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/engine.h"
#include "broker/mqtt/encode.h"
#include "broker/shell/authenticator.h"
#include "broker/shell/client_counters.h"
#include "broker/shell/config.h"
#include "broker/shell/connection_table.h"
#include "broker/shell/deadlines.h"
#include "broker/shell/outbox.h"
#include "broker/shell/turn.h"

struct event_base;

namespace tandemq::broker {

class Clients {
 public:
  // All references outlive it.
  Clients(event_base* base, const Config& config, const PairClock& clock, Turn& turn,
          const Authenticator& authenticator);
  ~Clients();

  // A reign begins: commands go to `engine`, which outlives it (until end_reign).
  void begin_reign(core::Engine* engine, Lsn committed);
  // Closes all connections, with DISCONNECT `reason` to those that understand it, and drops what
  // is held. The engine is not told: its state knows by itself that the reign is over.
  void end_reign(mqtt::Reason reason);

  // Closes all that is left, lingering connections too.
  void close_all();

  void accept(int fd);
  // Routes effects of commands that did not come from a connection; empties `effects`.
  void put(core::Effects& effects);
  // Effects up to `lsn` may go; records of so many bytes are not committed still.
  void committed(Lsn lsn, std::size_t uncommitted_bytes);
  void uncommitted(std::size_t bytes);
  // One send for each connection that has something to say.
  void end_turn();
  // Keep-alive, connect time and lingering; call about once a second.
  void sweep();

  // Packets wait that the last turn had no time for: the loop must not sleep.
  bool has_backlog() const { return !backlog_.empty() && !reading_paused_ && !pause_ordered_; }
  void work_backlog();

  // Reads from nobody (switchover in progress).
  void pause_reading(bool pause);

  const ClientCounters& counters() const { return counters_; }
  ClientFigures figures() const;
  std::size_t size() const { return table_.size(); }
  // Monotonic time of the first accepted CONNECT of this reign, 0 when there was none.
  std::uint64_t first_connect_ns() const { return first_connect_ns_; }

 private:
  // clients.cpp: sockets
  static void on_event(int fd, short what, void* connection);
  void register_for(Connection& connection, int fd, short what);
  void arm(Connection& connection);
  void flush();
  void send_unsent(Connection& connection);
  void begin_closing(Connection& connection);
  void finish_closing(Connection& connection);
  void recycle(Connection& connection);
  void close(Connection& connection);
  void look_at(Connection& connection);
  void shut(Connection& connection, mqtt::Reason reason);

  // clients_input.cpp: bytes to packets
  void read(Connection& connection);
  void handle_unread(Connection& connection);
  std::size_t handle_packets(Connection& connection, std::string_view in);
  void put_off(Connection& connection);
  void put_off_if_due(Connection& connection);
  void continue_work(Connection& connection);
  void end_of_callback();
  bool turn_is_over(std::uint64_t now_ns) const;
  void refuse_bytes(Connection& connection, bool is_mqtt);
  void lose(Connection& connection, Ending how, std::string_view event, std::string_view text);
  void discard(Connection& connection);
  bool is_choked(const Connection& connection) const;
  void update_pause();

  // clients_packets.cpp: packets to commands
  void dispatch(Connection& connection);
  void connect(Connection& connection, const mqtt::Connect& packet);
  void feed(Connection& connection);
  bool may_feed(const Connection& connection) const;
  void answer(Connection& connection, core::EffectKind kind, mqtt::Reason reason);
  void log_connect(const Connection& connection, const mqtt::Connect& packet) const;
  void disconnect(Connection& connection, const mqtt::Disconnect& packet);

  // clients_effects.cpp: effects to bytes
  void announce_end(const core::Effect& effect);
  void send_away(Connection& connection);
  void detach_ended();
  void deliver(const core::Effect& effect);
  bool has_room(Connection& connection, const core::Effect& effect);
  void encode_publish(Connection& connection, const core::Effect& effect);
  void encode_other(Connection& connection, const core::Effect& effect);
  void encode_connack(Connection& connection, const core::Effect& effect);
  void encode_disconnect(Connection& connection, mqtt::Reason reason, std::string_view text);
  std::string& unsent(Connection& connection);
  void grown(Connection& connection, std::size_t before);
  void mark_dirty(Connection& connection);

  event_base* base_;
  const Config& config_;
  const PairClock& clock_;
  Turn& turn_;
  const Authenticator& authenticator_;
  core::Engine* engine_ = nullptr;

  ConnectionTable table_;
  Deadlines deadlines_;
  Outbox outbox_;
  Lsn committed_ = 0;
  std::size_t uncommitted_bytes_ = 0;
  core::Effects effects_;  // of the command at hand
  core::Effects released_;
  std::vector<core::Origin> ended_;  // the engine sent them away and is to be told that they went
  std::vector<core::ConnId> dirty_, backlog_, paused_;
  std::vector<std::unique_ptr<Unsent>> spare_;  // empty buffers that keep their capacity
  mqtt::Packet packet_;                         // these three are reused for their capacity
  mqtt::Publish publish_;
  mqtt::Ack ack_;
  std::vector<char> buffer_;      // all reads go here
  std::size_t work_left_ = 0;     // packets and effects that this callback may still handle
  std::uint64_t flushed_at_ = 0;  // unsent bytes after the last flush
  std::uint64_t callback_end_ns_ = 0;
  std::uint64_t first_connect_ns_ = 0;  // of this reign; 0: none yet
  std::uint64_t connects_before_reign_ = 0;
  bool reading_paused_ = false;
  bool pause_ordered_ = false;
  bool turn_cut_ = false;  // it ended although more connections are ready
  bool crowded_ = false;   // the one before did: smaller helpings, so that all come round soon
  ClientCounters counters_;

  // The last PUBLISH encoded, to be copied when the next effect says the same to another client.
  struct Encoded {
    const core::Message* message = nullptr;
    const std::string* in = nullptr;
    std::size_t at = 0, size = 0;
    mqtt::Version version = mqtt::Version::v311;
    bool retain = false;
  } last_;
};

}  // namespace tandemq::broker
