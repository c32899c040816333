#include "tests/sim/network.h"

#include <algorithm>
#include <utility>

namespace tandemq::sim {
namespace {

constexpr TimeUs kDelayMin = 50;

}  // namespace

void Network::dial(unsigned side) {
  if (!reachable() || way_[side].open || !ends_[1 - side]->running()) return;
  const std::uint64_t connection = ++connection_;
  for (unsigned i : {0u, 1u}) {
    way_[i].open = true;
    way_[i].held.clear();
    way_[i].busy_until = 0;
  }
  // The dialling end hears of it one round trip later, which is before anything the other sends.
  for (unsigned i : {1 - side, side}) {
    carry(1 - i, [this, i, connection] {
      if (connection == connection_ && way_[i].open) ends_[i]->link_up();
    });
  }
}

void Network::send(unsigned side, std::string bytes) {
  if (!way_[side].open) return;
  const unsigned to = 1 - side;
  carry(side, [this, to, connection = connection_, bytes = std::move(bytes)] {
    if (connection == connection_ && way_[to].open) ends_[to]->link_received(bytes);
  });
}

void Network::close(unsigned side) {
  if (!std::exchange(way_[side].open, false)) return;
  const unsigned to = 1 - side;
  carry(side, [this, to, connection = connection_] {
    ended(to, connection, "the peer closed the connection");
  });
}

void Network::killed(unsigned side) {
  way_[side].held.clear();  // what the peer has not acknowledged is gone with the socket
  if (!std::exchange(way_[side].open, false)) return;
  const unsigned to = 1 - side;
  carry(side, [this, to, connection = connection_] {
    ended(to, connection, "connection reset by peer");
  });
}

void Network::silent(unsigned side) {
  way_[side].held.clear();
  way_[side].open = false;
}

void Network::ended(unsigned side, std::uint64_t connection, const std::string& reason) {
  if (connection != connection_ || !std::exchange(way_[side].open, false)) return;
  ends_[side]->link_down(reason);
}

void Network::block(unsigned from, bool blocked) {
  way_[from].blocked = blocked;
  if (blocked) return;
  for (auto& what : std::exchange(way_[from].held, {})) carry(from, std::move(what));
}

void Network::carry(unsigned from, std::function<void()> what) {
  Way& way = way_[from];
  if (way.blocked) return way.held.push_back(std::move(what));
  const TimeUs delay = random_.between(kDelayMin, std::max(delay_max, kDelayMin));
  way.busy_until = std::max(way.busy_until, clock_.now() + delay);
  clock_.after(way.busy_until - clock_.now(), [this, from, what = std::move(what)] {
    // Blocked while under way: it arrives, in order, when the way is open again.
    if (way_[from].blocked) return way_[from].held.push_back(what);
    what();
  });
}

}  // namespace tandemq::sim
