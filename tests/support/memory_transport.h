// A transport without a socket: both ends of a connection are in the test's hands. Nothing happens
// by itself; MemoryNet::deliver plays the loop and tells each transport what it waits for.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/net/transport.h"

namespace tandemq::test {

// What both ends see. The test's end writes `to_broker` and reads `from_broker`.
struct MemoryWire {
  std::string to_broker;
  std::string from_broker;
  std::size_t room = ~std::size_t{0};  // bytes that from_broker may hold
  std::size_t record = 0;  // bytes taken off to_broker at a time, as TLS does; 0: as many as asked
  bool peer_closed = false;  // the test's end will write no more
  bool broken = false;       // reset: reads and writes fail
  bool shut = false;         // the broker will write no more
  bool closed = false;       // the broker's end is gone
  net::Ready wanted;
  std::string address = "memory:1";
  std::string certificate;
  bool trusted = true;
};

class MemoryTransport final : public net::Transport {
 public:
  explicit MemoryTransport(std::shared_ptr<MemoryWire> wire) : wire_(std::move(wire)) {}
  ~MemoryTransport() override { wire_->closed = true; }

  net::IoResult read(char* to, std::size_t size_max) override;
  net::IoResult write(std::string_view bytes) override;
  void shut() override { wire_->shut = true; }
  void want(net::Ready what) override { wire_->wanted = what; }
  bool pending() const override { return !taken_.empty(); }
  bool gone() const override { return wire_->peer_closed || wire_->broken; }
  std::string peer_address() const override { return wire_->address; }
  std::string peer_certificate() const override { return wire_->certificate; }
  bool peer_trusted() const override { return wire_->trusted; }

  // What the loop would tell now.
  net::Ready ready() const;
  void tell(net::Ready what) { user_->transport_ready(what); }

 private:
  std::shared_ptr<MemoryWire> wire_;
  std::string taken_;  // of the wire, not read yet
};

class MemoryNet {
 public:
  // The broker's end of a new connection.
  std::unique_ptr<net::Transport> connect(const std::shared_ptr<MemoryWire>& wire);
  // Tells each transport once what has come, beginning after the last one told; ends early when
  // somebody sets `stopped`. True when there was any.
  bool deliver();
  bool anything_ready() const;
  bool stopped = false;

 private:
  struct Line {
    net::Ready ready() const;

    std::weak_ptr<MemoryWire> wire;
    MemoryTransport* transport;  // valid until the wire says closed
  };
  std::vector<Line> lines_;
  std::size_t next_ = 0;
};

}  // namespace tandemq::test
