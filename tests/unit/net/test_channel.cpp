// One connection's bytes over a transport in memory: helpings, rests, back-pressure, ends.
#include <doctest/doctest.h>

#include <map>
#include <optional>

#include "broker/net/channel.h"
#include "tests/support/memory_transport.h"

using namespace tandemq;
using net::Io;

namespace {

struct Rig final : net::ChannelUser {
  std::shared_ptr<test::MemoryWire> wire = std::make_shared<test::MemoryWire>();
  test::MemoryNet net;
  net::ChannelPool pool;
  std::optional<net::Channel> channel;
  int readable = 0, writable = 0, lost = 0;

  Rig() {
    channel.emplace(7u, net.connect(wire), *this, pool);
    channel->listen(true);
  }
  void channel_readable(std::uint64_t id) override {
    CHECK(id == 7);
    ++readable;
  }
  void channel_writable(std::uint64_t) override { ++writable; }
  void channel_lost(std::uint64_t id) override {
    CHECK(id == 7);
    ++lost;
    channel.reset();
  }
  void say(std::string_view text) {
    channel->output() += text;
    channel->appended(text.size());
  }
  const net::Traffic& traffic() const { return pool.sending.traffic; }
};

}  // namespace

TEST_CASE("what is kept of one read comes first in the next") {
  Rig rig;
  rig.wire->to_broker = "abcdef";
  CHECK(rig.channel->read(4) == Io::done);
  CHECK(rig.channel->input() == "abcd");
  rig.channel->keep(3);
  CHECK(rig.channel->input() == "bcd");
  CHECK(rig.channel->has_rest());
  CHECK(rig.channel->read(100) == Io::done);
  CHECK(rig.channel->input() == "bcdef");
  rig.channel->keep(0);
  CHECK_FALSE(rig.channel->has_rest());
  CHECK(rig.channel->input().empty());
  CHECK(rig.channel->read(100) == Io::later);
  CHECK(rig.traffic().received == 6);
}

TEST_CASE("a rest longer than the headroom grows where it is, byte for byte") {
  Rig rig;
  std::string all;
  for (std::size_t i = 0; i < 3 * net::ChannelPool::kReadSizeMax; ++i) {
    all += static_cast<char>('a' + i % 23);
  }
  rig.wire->to_broker = all;
  std::size_t had = 0;
  while (rig.channel->read(10'000) == Io::done) {
    REQUIRE(rig.channel->input().size() > had);
    had = rig.channel->input().size();
    rig.channel->keep(had);  // nothing of it can be handled yet
  }
  CHECK(rig.channel->input() == all);
  rig.channel->keep(5);
  CHECK(rig.channel->input() == all.substr(all.size() - 5));
}

TEST_CASE("a read waits for nobody, and says when the other end has gone") {
  Rig rig;
  CHECK(rig.channel->read(10) == Io::later);
  rig.wire->to_broker = "x";
  rig.wire->peer_closed = true;
  CHECK(rig.channel->read(10) == Io::done);
  CHECK(rig.channel->read(10) == Io::ended);
}

TEST_CASE("only who listens hears") {
  Rig rig;
  rig.wire->to_broker = "x";
  rig.channel->listen(false);
  CHECK_FALSE(rig.net.deliver());
  rig.channel->listen(true);
  CHECK(rig.net.deliver());
  CHECK(rig.readable == 1);
}

TEST_CASE("bytes that the transport holds already are pending") {
  Rig rig;
  rig.wire->record = 10;
  rig.wire->to_broker = "0123456789";
  CHECK(rig.channel->read(4) == Io::done);
  CHECK(rig.channel->pending());
  CHECK_FALSE(rig.net.deliver());  // the loop will never tell
  rig.channel->keep(0);
  CHECK(rig.channel->read(100) == Io::done);
  CHECK(rig.channel->input() == "456789");
  CHECK_FALSE(rig.channel->pending());
}

TEST_CASE("output gathers until the flush, then goes in one piece") {
  Rig rig;
  rig.say("ab");
  rig.say("cd");
  CHECK(rig.traffic().unsent == 4);
  CHECK(rig.wire->from_broker.empty());
  rig.pool.sending.flush();
  CHECK(rig.wire->from_broker == "abcd");
  CHECK(rig.traffic().sends == 1);
  CHECK(rig.traffic().sent == 4);
  CHECK(rig.traffic().unsent == 0);
  rig.pool.sending.flush();
  CHECK(rig.traffic().sends == 1);
}

TEST_CASE("a slow reader gets everything, in order, as it makes room") {
  Rig rig;
  rig.wire->room = 100'000;
  std::string all;
  for (int i = 0; i < 100'000; ++i) all += std::to_string(i);
  rig.say(all);
  rig.pool.sending.flush();
  CHECK(rig.channel->blocked());
  CHECK(rig.channel->unsent() == all.size() - 100'000);
  CHECK_FALSE(rig.net.deliver());
  std::string got;
  while (got.size() < all.size()) {
    got += rig.wire->from_broker;
    rig.wire->from_broker.clear();
    if (got.size() == all.size()) break;
    REQUIRE(rig.net.deliver());
  }
  CHECK(got == all);
  CHECK(rig.writable == 4);
  CHECK_FALSE(rig.channel->blocked());
  CHECK_FALSE(rig.wire->wanted.write);
  CHECK(rig.traffic().unsent == 0);
}

TEST_CASE(
    "a connection that breaks while sending is told by the flush, not in the middle of work") {
  Rig rig;
  rig.say("abc");
  rig.wire->broken = true;
  rig.channel->send();
  CHECK(rig.channel->broken());
  CHECK(rig.lost == 0);
  CHECK(rig.traffic().unsent == 0);
  rig.pool.sending.flush();
  CHECK(rig.lost == 1);
  CHECK_FALSE(rig.channel);
}

TEST_CASE("finish sends what is unsent, shuts, and waits for the other end") {
  Rig rig;
  rig.wire->room = 2;
  rig.say("abc");
  rig.channel->finish();
  rig.pool.sending.flush();
  CHECK_FALSE(rig.wire->shut);
  rig.wire->to_broker = "not heard any more";
  rig.wire->from_broker.clear();
  CHECK(rig.net.deliver());
  CHECK(rig.wire->from_broker == "c");
  CHECK(rig.wire->shut);
  CHECK(rig.net.deliver());  // thrown away
  CHECK(rig.readable == 0);
  CHECK(rig.wire->to_broker.empty());
  CHECK(rig.lost == 0);
  rig.wire->peer_closed = true;
  CHECK(rig.net.deliver());
  CHECK(rig.lost == 1);
}

TEST_CASE("finish with nothing unsent shuts at once") {
  Rig rig;
  rig.channel->finish();
  CHECK(rig.wire->shut);
}

TEST_CASE("a channel that is destroyed while queued leaves nothing behind") {
  Rig rig;
  rig.say("abc");
  rig.channel.reset();
  CHECK(rig.traffic().unsent == 0);
  CHECK(rig.wire->closed);
  rig.pool.sending.flush();
  CHECK(rig.wire->from_broker.empty());
}

TEST_CASE("much that is unsent does not wait for the end of the turn") {
  Rig rig;
  CHECK_FALSE(rig.pool.sending.flush_due());
  rig.say(std::string(5 << 20, 'x'));
  CHECK(rig.pool.sending.flush_due());
  rig.wire->room = 1 << 20;
  rig.pool.sending.flush();
  CHECK_FALSE(rig.pool.sending.flush_due());  // what a slow reader leaves is old
}
