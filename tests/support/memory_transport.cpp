#include "tests/support/memory_transport.h"

#include <algorithm>

namespace tandemq::test {

using net::Io;

net::IoResult MemoryTransport::read(char* to, std::size_t size_max) {
  if (wire_->broken) return {Io::ended};
  if (taken_.empty()) {
    const std::size_t size = wire_->record ? wire_->record : size_max;
    taken_ = wire_->to_broker.substr(0, size);
    wire_->to_broker.erase(0, taken_.size());
  }
  if (taken_.empty()) return {wire_->peer_closed ? Io::ended : Io::later};
  const std::size_t size = std::min(size_max, taken_.size());
  std::copy_n(taken_.begin(), size, to);
  taken_.erase(0, size);
  return {Io::done, size};
}

net::IoResult MemoryTransport::write(std::string_view bytes) {
  if (wire_->broken) return {Io::ended};
  const std::size_t free = wire_->room - std::min(wire_->room, wire_->from_broker.size());
  const std::size_t size = std::min(bytes.size(), free);
  if (size == 0) return {Io::later};
  wire_->from_broker += bytes.substr(0, size);
  return {Io::done, size};
}

net::Ready MemoryTransport::ready() const {
  const bool something = !wire_->to_broker.empty() || wire_->peer_closed || wire_->broken;
  const bool room = wire_->broken || wire_->from_broker.size() < wire_->room;
  const bool gone = wire_->peer_closed || wire_->broken;
  return {something && wire_->wanted.read, room && wire_->wanted.write, gone && wire_->wanted.gone};
}

std::unique_ptr<net::Transport> MemoryNet::connect(const std::shared_ptr<MemoryWire>& wire) {
  auto transport = std::make_unique<MemoryTransport>(wire);
  lines_.push_back({wire, transport.get()});
  return transport;
}

net::Ready MemoryNet::Line::ready() const {
  const std::shared_ptr<MemoryWire> alive = wire.lock();
  return alive && !alive->closed ? transport->ready() : net::Ready{};
}

bool MemoryNet::deliver() {
  bool any = false;
  for (std::size_t i = lines_.size(); i > 0 && !stopped; --i) {
    next_ = (next_ + 1) % lines_.size();
    const net::Ready ready = lines_[next_].ready();
    if (ready == net::Ready{}) continue;
    any = true;
    lines_[next_].transport->tell(ready);
  }
  return any;
}

bool MemoryNet::anything_ready() const {
  return std::any_of(lines_.begin(), lines_.end(),
                     [](const Line& line) { return line.ready() != net::Ready{}; });
}

}  // namespace tandemq::test
