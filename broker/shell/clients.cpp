#include "broker/shell/clients.h"

#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "broker/shell/client_limits.h"
#include "broker/shell/client_names.h"
#include "broker/support/log.h"

namespace tandemq::broker {
namespace {

// Not read from for a reason of ours: its silence says nothing.
bool is_held_back(const Connection& connection) {
  return connection.paused || connection.backlog || connection.choked || connection.feed;
}

}  // namespace

Clients::Clients(event_base* base, const Config& config, const PairClock& clock, Turn& turn,
                 const Authenticator& authenticator)
    : base_(base),
      config_(config),
      clock_(clock),
      turn_(turn),
      authenticator_(authenticator),
      buffer_(kHeadroom + kReadSize) {}

Clients::~Clients() {
  close_all();
}

void Clients::close_all() {
  table_.each([this](Connection& connection) { close(connection); });
}

void Clients::begin_reign(core::Engine* engine, Lsn committed) {
  engine_ = engine;
  committed_ = committed;
  uncommitted_bytes_ = 0;
  first_connect_ns_ = 0;
  connects_before_reign_ = counters_.connects;
}

void Clients::end_reign(mqtt::Reason reason) {
  engine_ = nullptr;
  ended_.clear();
  counters_.effects_dropped += outbox_.size();
  outbox_.drop_all();
  table_.each([&](Connection& connection) {
    connection.feed.reset();
    if (connection.stage == Stage::lingering) return;
    connection.session = core::kNoSession;
    shut(connection, reason);
  });
  backlog_.clear();
  reading_paused_ = pause_ordered_ = false;
  paused_.clear();
  flush();
}

void Clients::shut(Connection& connection, mqtt::Reason reason) {
  if (connection.stage == Stage::serving) encode_disconnect(connection, reason, {});
  begin_closing(connection);
  finish_closing(connection);
}

void Clients::accept(int fd) {
  turn_.begin(clock_);
  ++counters_.accepted;
  if (!engine_) return static_cast<void>(::close(fd));  // the reign ended a moment ago
  if (table_.size() >= config_.connections_max) {
    ++counters_.refused_full;
    log(LogLevel::warning, "connection_refused",
        {{"address", peer_name(fd)},
         {"reason", "listener.connections_max is reached"},
         {"connections", table_.size()}});
    ::close(fd);
    return;
  }
  Connection& connection = table_.open();
  connection.owner = this;
  connection.stage = Stage::connecting;
  connection.decoder = mqtt::Decoder(mqtt::Side::server, config_.limits.maximum_packet_size);
  connection.heard_s = turn_.seconds();
  register_for(connection, fd, 0);
  deadlines_.set(connection, turn_.seconds() + kConnectTimeoutS);
  arm(connection);
  if (log_enabled(LogLevel::debug)) {
    log(LogLevel::debug, "connection_opened", {{"address", peer_name(fd)}});
  }
}

void Clients::register_for(Connection& connection, int fd, short what) {
  event_assign(&connection.event, base_, fd, what, on_event, &connection);
  event_priority_set(&connection.event, kClientPriority);
}

// Registers with the loop what the connection waits for now.
void Clients::arm(Connection& connection) {
  const bool reads = connection.stage == Stage::connecting || connection.stage == Stage::serving ||
                     connection.stage == Stage::lingering;
  const bool held_back = is_held_back(connection);
  const int wanted = (reads && !held_back ? EV_READ : 0) | (connection.blocked ? EV_WRITE : 0);
  if (wanted == connection.armed) return;
  if (connection.armed) event_del(&connection.event);
  connection.armed = static_cast<std::uint8_t>(wanted);
  if (!wanted) return;
  register_for(connection, connection.fd(), static_cast<short>(wanted | EV_PERSIST));
  event_add(&connection.event, nullptr);
}

void Clients::on_event(int, short what, void* arg) {
  auto& connection = *static_cast<Connection*>(arg);
  Clients& self = *connection.owner;
  self.turn_.begin(self.clock_);
  if (what & EV_WRITE) {
    connection.blocked = false;
    self.send_unsent(connection);
    if (connection.stage == Stage::free) return;
    if (connection.choked && !self.is_choked(connection)) {
      connection.choked = false;
      connection.heard_s = self.turn_.seconds();
    }
    if (connection.feed && !connection.backlog && self.may_feed(connection)) {
      self.put_off(connection);
    }
    self.arm(connection);
  }
  if ((what & EV_READ) && (connection.armed & EV_READ)) self.read(connection);
}

void Clients::end_turn() {
  crowded_ = std::exchange(turn_cut_, false);
  flush();
}

void Clients::flush() {
  if (!ended_.empty()) detach_ended();  // sent away while effects were released
  for (std::size_t i = 0; i < dirty_.size(); ++i) {
    Connection* connection = table_.find(dirty_[i]);
    if (!connection) continue;
    connection->dirty = false;
    if (!connection->blocked) send_unsent(*connection);
  }
  dirty_.clear();
  flushed_at_ = counters_.unsent_bytes;
}

void Clients::send_unsent(Connection& connection) {
  Unsent* unsent = connection.unsent.get();
  if (unsent && unsent->left() > 0) {
    const ssize_t sent =
        send(connection.fd(), unsent->bytes.data() + unsent->sent, unsent->left(), MSG_NOSIGNAL);
    ++counters_.sends;
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      counters_.unsent_bytes -= unsent->left();
      connection.unsent.reset();
      return lose(connection, Ending::at_once, "client_lost", "closed its connection");
    }
    const std::size_t size = sent > 0 ? static_cast<std::size_t>(sent) : 0;
    counters_.bytes_sent += size;
    counters_.unsent_bytes -= size;
    unsent->sent += size;
    if (unsent->left() > 0) {
      connection.blocked = true;
      arm(connection);
      if (unsent->sent < kCompactAt) return;
      unsent->bytes.erase(0, unsent->sent);
      unsent->sent = 0;
      return;
    }
  }
  if (unsent) recycle(connection);
  if (connection.ending) finish_closing(connection);
}

// The emptied buffer goes to the next connection that needs one: it has its capacity already.
void Clients::recycle(Connection& connection) {
  if (spare_.size() < kSpareBuffers && connection.unsent->bytes.capacity() <= kSpareCapacity) {
    connection.unsent->bytes.clear();
    connection.unsent->sent = 0;
    spare_.push_back(std::move(connection.unsent));
  }
  connection.unsent.reset();
}

// From now on nothing is read; the connection ends when an effect, or finish_closing, says so.
void Clients::begin_closing(Connection& connection) {
  connection.stage = Stage::closing;
  connection.session = core::kNoSession;
  connection.unread.reset();
  connection.feed.reset();
  connection.paused = connection.backlog = connection.choked = false;
  connection.check_s = 0;
  arm(connection);
}

// Ends the connection as soon as all is sent. Closing with input unread would reset the connection
// and could take the last packet from the client, so the write side is shut first.
void Clients::finish_closing(Connection& connection) {
  connection.ending = true;
  deadlines_.set(connection, turn_.seconds() + kLingerS);
  if (connection.unsent && connection.unsent->left() > 0) return mark_dirty(connection);
  shutdown(connection.fd(), SHUT_WR);
  connection.ending = false;
  connection.stage = Stage::lingering;
  arm(connection);
}

void Clients::close(Connection& connection) {
  if (connection.armed) event_del(&connection.event);
  if (connection.unsent) counters_.unsent_bytes -= connection.unsent->left();
  ::close(connection.fd());
  table_.close(connection);
}

void Clients::sweep() {
  turn_.begin(clock_);
  deadlines_.sweep(turn_.seconds(), table_,
                   [this](Connection& connection) { look_at(connection); });
}

void Clients::look_at(Connection& connection) {
  switch (connection.stage) {
    case Stage::free:
      return;
    case Stage::connecting:
      return lose(connection, Ending::linger, "connect_timeout",
                  "sent no CONNECT in time, disconnecting");
    case Stage::closing:
    case Stage::lingering:
      return close(connection);
    case Stage::serving:
      break;
  }
  if (connection.keep_alive_s == 0) return;
  const std::uint32_t due = connection.heard_s + connection.keep_alive_s * 3u / 2u + 1;
  if (due > turn_.seconds() || is_held_back(connection)) {
    return deadlines_.set(connection, std::max(due, turn_.seconds() + 1));
  }
  ++counters_.timed_out;
  encode_disconnect(connection, mqtt::Reason::keep_alive_timeout, {});
  lose(connection, Ending::linger, "client_timeout", "has exceeded timeout, disconnecting");
}

ClientFigures Clients::figures() const {
  return {table_.size(), outbox_.size(), outbox_.bytes(), reading_paused_};
}

}  // namespace tandemq::broker
