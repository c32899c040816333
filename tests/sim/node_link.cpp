#include "tests/sim/node_link.h"

#include <algorithm>
#include <utility>

#include "broker/base/check.h"

namespace tandemq::sim {
namespace {

constexpr std::uint64_t kSteps[] = {0, 10, 20, 50};  // milliseconds before dialling again
constexpr std::uint64_t kBackOffMinMs = 250;
constexpr std::uint64_t kBackOffMaxMs = 5000;
constexpr std::size_t kTurnMessages = 16;  // read in one turn of the loop

}  // namespace

NodeLink::NodeLink(Process& process, Network& network, unsigned side,
                   std::function<void(const char* message)> heard)
    : process_(process), network_(network), side_(side), heard_(std::move(heard)) {}

NodeLink::~NodeLink() = default;

Status NodeLink::start(repl::LinkHost& host) {
  host_ = &host;
  if (side_ == 0) dial_later(false);
  return Done{};
}

void NodeLink::dial_later(bool back_off) {
  if (side_ != 0 || stopped_) return;
  std::uint64_t wait_ms = kSteps[std::min<std::size_t>(attempts_++, std::size(kSteps) - 1)];
  if (back_off) {
    back_off_ms_ = std::clamp(back_off_ms_ * 2, kBackOffMinMs, kBackOffMaxMs);
    wait_ms = back_off_ms_;
  }
  process_.after(wait_ms * kMs, [this, number = ++dial_number_] {
    if (number == dial_number_) dial();
  });
}

void NodeLink::dial() {
  if (stopped_ || connection_ != 0) return;
  if (!network_.dial(side_)) return dial_later(false);
  // As a dialled connection that does not come about within peer_silence_ms.
  process_.after(250 * kMs, [this, number = dial_number_] {
    if (number == dial_number_ && connection_ == 0) dial_later(false);
  });
}

void NodeLink::connected(std::uint64_t connection) {
  process_.post([this, connection] {
    if (stopped_ || connection_ != 0) return;
    connection_ = newest_ = connection;
    ++figures_.connects_total;
    host_->link_up();
  });
}

void NodeLink::received(std::uint64_t connection, const std::string& bytes) {
  arrived({connection, bytes, ""});
}

void NodeLink::closed(std::uint64_t connection, const std::string& reason) {
  arrived({connection, "", reason});
}

void NodeLink::arrived(Arrived what) {
  arrived_.push_back(std::move(what));
  if (!std::exchange(due_, true)) process_.post([this] { read(); });
}

// All that came meanwhile, up to a bound, is one turn: a loop that stood still finds much.
void NodeLink::read() {
  due_ = false;
  if (stopped_) return arrived_.clear();
  for (std::size_t i = 0; i < kTurnMessages && !arrived_.empty() && !stopped_; ++i) {
    const Arrived what = std::move(arrived_.front());
    arrived_.pop_front();
    read_one(what);
  }
  if (connection_ != 0) host_->link_turn_ended();
  if (!arrived_.empty() && !std::exchange(due_, true)) process_.post([this] { read(); });
}

void NodeLink::read_one(const Arrived& what) {
  if (what.bytes.empty()) {
    if (what.connection != connection_) return;
    connection_ = 0;
    host_->link_down(what.reason);
    return dial_later(false);
  }
  repl::Message message;
  std::size_t size = 0;
  TMQ_CHECK(repl::decode(what.bytes, message, size) == repl::WireRead::message &&
            size == what.bytes.size());
  const bool hello = std::holds_alternative<repl::msg::Hello>(message);
  if (what.connection != connection_) {
    // The first message of an accepted connection makes it the link; others are of one given up.
    if (side_ == 0 || !hello || what.connection <= newest_) return;
    if (connection_ != 0) host_->link_down("replaced by a new connection of the peer");
    connection_ = newest_ = what.connection;
    ++figures_.connects_total;
    host_->link_up();
    if (what.connection != connection_) return;
  } else if (!hello && !std::holds_alternative<repl::msg::Reject>(message)) {
    attempts_ = 0;
    back_off_ms_ = 0;
  }
  heard_(repl::name_of(message));
  host_->link_received(message);
}

void NodeLink::send(const repl::Message& message) {
  if (connection_ == 0 || process_.ending()) return;
  std::string bytes;
  repl::encode(bytes, message);
  network_.send(side_, connection_, std::move(bytes));
}

void NodeLink::send_records(std::string_view frames) {
  if (connection_ == 0 || process_.ending()) return;
  std::string bytes;
  repl::encode_records_header(bytes, frames.size());
  bytes += frames;
  network_.send(side_, connection_, std::move(bytes));
}

void NodeLink::drop(bool back_off) {
  if (connection_ == 0 || process_.ending()) return;
  network_.close(side_, std::exchange(connection_, 0));
  dial_later(back_off);
}

}  // namespace tandemq::sim
