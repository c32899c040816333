// Bytes to packets.
#include <event2/event.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "broker/shell/client_limits.h"
#include "broker/shell/client_names.h"
#include "broker/shell/clients.h"
#include "broker/support/log.h"

namespace tandemq::broker {
namespace {

bool is_open(const Connection& connection) {
  return connection.stage == Stage::connecting || connection.stage == Stage::serving;
}

}  // namespace

void Clients::read(Connection& connection) {
  if (connection.stage == Stage::lingering) return discard(connection);
  if (reading_paused_ || pause_ordered_) {
    connection.paused = true;
    paused_.push_back(connection.id);
    return arm(connection);
  }
  if (connection.blocked && is_choked(connection)) {
    connection.choked = true;
    return arm(connection);
  }
  std::string* unread = connection.unread.get();
  const bool joined = unread && unread->size() <= kHeadroom;
  const std::size_t head = joined ? unread->size() : 0;
  if (joined) std::memcpy(buffer_.data(), unread->data(), head);

  const std::size_t helping = crowded_ ? kCrowdedReadSize : kReadSize;
  const ssize_t got = recv(connection.fd(), buffer_.data() + head, helping, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return lose(connection, Ending::at_once, "client_lost", "closed its connection");
  const auto size = static_cast<std::size_t>(got);
  counters_.bytes_received += size;
  work_left_ = kWorkPerCallback;
  if (unread && !joined) {
    unread->append(buffer_.data(), size);
    handle_unread(connection);
  } else {
    connection.unread.reset();
    const std::string_view in(buffer_.data(), head + size);
    const std::size_t handled = handle_packets(connection, in);
    if (!is_open(connection)) return;
    if (handled < in.size()) {
      connection.unread = std::make_unique<std::string>(in.substr(handled));
    }
    put_off_if_due(connection);
  }
  end_of_callback();
}

// Who reads no answers is asked no more questions.
bool Clients::is_choked(const Connection& connection) const {
  return connection.unsent && connection.unsent->left() > kUnsentReadMax;
}

void Clients::handle_unread(Connection& connection) {
  const std::size_t handled = handle_packets(connection, *connection.unread);
  if (!is_open(connection)) return;
  connection.unread->erase(0, handled);
  if (connection.unread->empty()) connection.unread.reset();
  put_off_if_due(connection);
}

// Handles whole packets until none is left or the callback has done its share of work, or one needs
// more turns. Returns the bytes handled; when the connection ended on the way, `in` may be gone.
std::size_t Clients::handle_packets(Connection& connection, std::string_view in) {
  std::size_t at = 0;
  while (work_left_ > 0 && !connection.feed) {
    std::size_t used = 0;
    // A refusal goes by what this CONNECT says, not one before.
    if (connection.stage == Stage::connecting) packet_.connect.properties.maximum_packet_size = 0;
    const mqtt::Decoded decoded = connection.decoder.decode(in.substr(at), packet_, used);
    if (decoded == mqtt::Decoded::need_more) break;
    if (decoded == mqtt::Decoded::error) {
      const bool is_mqtt = connection.stage == Stage::serving || in[at] == 0x10;
      refuse_bytes(connection, is_mqtt);
      return in.size();
    }
    at += used;
    --work_left_;
    ++counters_.packets_received;
    dispatch(connection);
    if (!is_open(connection)) return in.size();
  }
  if (at > 0) connection.heard_s = turn_.seconds();
  return at;
}

// Whole packets may be left, or a part of the last: both come next turn, before anything more is
// read.
void Clients::put_off_if_due(Connection& connection) {
  if (connection.feed || (connection.unread && work_left_ == 0)) put_off(connection);
}

void Clients::put_off(Connection& connection) {
  connection.backlog = true;
  backlog_.push_back(connection.id);
  arm(connection);
}

// At least one a turn, also when a crowd has used up its time; who did not come round is the first
// next time.
void Clients::work_backlog() {
  if (reading_paused_ || pause_ordered_) return;
  std::vector<core::ConnId> ids;
  ids.swap(backlog_);
  for (auto id = ids.begin(); id != ids.end();) {
    Connection* connection = table_.find(*id++);
    if (!connection || !connection->backlog) continue;
    turn_.begin(clock_);
    connection->backlog = false;
    work_left_ = kWorkPerCallback;
    continue_work(*connection);
    if (is_open(*connection)) arm(*connection);
    end_of_callback();
    if (!turn_cut_) continue;
    backlog_.insert(backlog_.begin(), id, ids.end());
    return;
  }
}

void Clients::continue_work(Connection& connection) {
  if (connection.feed) {
    if (!may_feed(connection)) return;  // goes on when the socket has taken what is unsent
    feed(connection);
    put(effects_);
    if (!is_open(connection)) return;
    if (connection.feed) return put_off(connection);
    connection.heard_s = turn_.seconds();
  }
  if (connection.unread) handle_unread(connection);
}

void Clients::end_of_callback() {
  const std::uint64_t now = monotonic_ns();
  const std::uint64_t length = now - std::max(callback_end_ns_, turn_.mono_ns());
  callback_end_ns_ = now;
  counters_.callback_ns_max = std::max(counters_.callback_ns_max, length);
  update_pause();
  if (counters_.unsent_bytes > flushed_at_ + kFlushAt) flush();
  if (!turn_is_over(now)) return;
  turn_cut_ = true;
  event_base_loopbreak(base_);
}

bool Clients::turn_is_over(std::uint64_t now_ns) const {
  return now_ns > turn_.mono_ns() + kTurnNs;
}

void Clients::pause_reading(bool pause) {
  pause_ordered_ = pause;
  update_pause();
}

void Clients::uncommitted(std::size_t bytes) {
  uncommitted_bytes_ = bytes;
  update_pause();
}

// While the pair waits for its peer, effects and records pile up: stop reading before memory and
// disk are full.
void Clients::update_pause() {
  if (!reading_paused_ && (outbox_.bytes() > kHeldBytesMax || outbox_.size() > kHeldEffectsMax ||
                           uncommitted_bytes_ > kUncommittedBytesMax)) {
    reading_paused_ = true;
    ++counters_.reads_paused;
    log(LogLevel::warning, "reading_paused",
        {{"held_effects", outbox_.size()},
         {"held_bytes", outbox_.bytes()},
         {"uncommitted_bytes", uncommitted_bytes_},
         {"reason", "acknowledgements wait for the peer, publishers are not read from"}});
  }
  if (reading_paused_ && outbox_.bytes() < kHeldBytesMax / 2 &&
      outbox_.size() < kHeldEffectsMax / 2 && uncommitted_bytes_ < kUncommittedBytesMax / 2) {
    reading_paused_ = false;
    log(LogLevel::notice, "reading_resumed", {{"held_effects", outbox_.size()}});
  }
  if (reading_paused_ || pause_ordered_ || paused_.empty()) return;
  for (const core::ConnId id : paused_) {
    Connection* connection = table_.find(id);
    if (!connection || !connection->paused) continue;
    connection->paused = false;
    connection->heard_s = turn_.seconds();
    arm(*connection);
  }
  paused_.clear();
}

// The decoder could not read on: tell why if the client can understand it, and end.
void Clients::refuse_bytes(Connection& connection, bool is_mqtt) {
  ++counters_.malformed;
  const mqtt::Version version = connection.decoder.version();
  const mqtt::Reason reason = connection.decoder.error_reason();
  const char* text = connection.decoder.error_text();
  log(LogLevel::notice, "client_refused",
      {{"address", peer_name(connection.fd())},
       {"text", std::string("Client ") + connection.name() + " disconnected due to " +
                    (reason == mqtt::Reason::malformed_packet   ? "malformed packet."
                     : reason == mqtt::Reason::packet_too_large ? "oversize packet."
                                                                : "protocol error.")},
       {"reason", text}});
  if (connection.stage == Stage::serving) {
    encode_disconnect(connection, reason, text);
  } else if (is_mqtt) {
    mqtt::Connack connack;
    connack.reason = reason;
    connack.properties.reason_string = text;
    connack.properties.mark(mqtt::Property::reason_string);
    const std::size_t before = unsent(connection).size();
    mqtt::encode(connection.unsent->bytes, version, connack,
                 packet_.connect.properties.maximum_packet_size);
    grown(connection, before);
  }
  lose(connection, Ending::linger, "client_closed", {});
}

// The connection ends without DISCONNECT from the client. A text is logged after "Client NAME".
void Clients::lose(Connection& connection, Ending how, std::string_view event,
                   std::string_view text) {
  if (!text.empty() && is_open(connection)) {
    const bool known = connection.stage == Stage::serving;
    log(known ? LogLevel::notice : LogLevel::info, event,
        {{"text", std::string("Client ") + connection.name() + " " + std::string(text) + "."}});
  }
  if (connection.session != core::kNoSession) {
    core::Effects effects;
    engine_->disconnected({connection.id, connection.session}, turn_.now(), effects);
    begin_closing(connection);
    put(effects);
  } else if (connection.stage != Stage::lingering) {
    begin_closing(connection);
  }
  if (how == Ending::at_once) return close(connection);
  finish_closing(connection);
}

void Clients::discard(Connection& connection) {
  const ssize_t got = recv(connection.fd(), buffer_.data(), buffer_.size(), 0);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) close(connection);
}

}  // namespace tandemq::broker
