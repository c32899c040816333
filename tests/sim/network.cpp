#include "tests/sim/network.h"

#include <algorithm>
#include <utility>

namespace tandemq::sim {
namespace {

constexpr TimeUs kWayMin = 50;

}  // namespace

bool Network::dial(unsigned side) {
  if (!reachable() || !ends_[1 - side]->listens()) return false;
  const std::uint64_t connection = ++connection_;
  for (Way& way : way_) way.open = true;
  carry(1 - side, [this, side, connection] {
    if (connection == connection_ && way_[side].open) ends_[side]->connected(connection);
  });
  return true;
}

void Network::send(unsigned side, std::uint64_t connection, std::string bytes) {
  if (connection != connection_ || !way_[side].open) return;
  const unsigned to = 1 - side;
  carry(side, [this, to, connection, bytes = std::move(bytes)] {
    if (connection > way_[to].died_at) ends_[to]->received(connection, bytes);
  });
}

void Network::close(unsigned side, std::uint64_t connection) {
  if (connection != connection_ || !std::exchange(way_[side].open, false)) return;
  const unsigned to = 1 - side;
  carry(side, [this, to, connection] { ended(to, connection, "the peer closed the connection"); });
}

void Network::killed(unsigned side) {
  way_[side].held.clear();  // what the peer has not acknowledged is gone with the socket
  way_[side].died_at = connection_;
  if (!std::exchange(way_[side].open, false)) return;
  const unsigned to = 1 - side;
  carry(side, [this, to, connection = connection_] {
    ended(to, connection, "connection reset by peer");
  });
}

void Network::silent(unsigned side) {
  way_[side].held.clear();
  way_[side].open = false;
  way_[side].died_at = connection_;
}

void Network::ended(unsigned side, std::uint64_t connection, const std::string& reason) {
  if (connection <= way_[side].died_at) return;
  if (connection == connection_) way_[side].open = false;
  ends_[side]->closed(connection, reason);
}

void Network::block(unsigned from, bool blocked) {
  way_[from].blocked = blocked;
  if (blocked) return;
  for (auto& what : std::exchange(way_[from].held, {})) carry(from, std::move(what));
}

void Network::carry(unsigned from, std::function<void()> what) {
  Way& way = way_[from];
  if (way.blocked) return way.held.push_back(std::move(what));
  const TimeUs delay = random_.between(kWayMin, std::max(delay_max, kWayMin));
  way.busy_until = std::max(way.busy_until, clock_.now() + delay);
  clock_.after(way.busy_until - clock_.now(), [this, from, what = std::move(what)] {
    // Blocked while under way: it arrives, in order, when the way is open again.
    if (way_[from].blocked) return way_[from].held.push_back(what);
    what();
  });
}

}  // namespace tandemq::sim
