// Cost of the core alone, without codec, sockets and journal: build with -DTANDEMQ_TEST_FLAGS=-O2,
// run with
// --no-skip -tc="bench*".
#include <doctest/doctest.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/engine.h"

using namespace tandemq;
using namespace tandemq::core;

namespace {

class NullSink final : public RecordSink {
 public:
  Lsn append(Kind, const ByteSource& body) override {
    bytes += body.size();
    return ++last;
  }
  Lsn last = 0;
  std::uint64_t bytes = 0;
};

struct Bench {
  Bench() : engine(state, sink, limits, nullptr, counters) { out.reserve(4096); }

  Origin connect(const std::string& id, bool durable) {
    mqtt::Connect packet;
    packet.client_id = id;
    packet.clean_start = !durable;
    packet.properties.session_expiry_s = durable ? 3600 : 0;
    Origin origin{++conns, kNoSession};
    origin.seat = engine.connect({origin.conn, packet, ""}, 1, out);
    out.clear();
    return origin;
  }
  void subscribe(Origin origin, std::string_view filter, std::uint8_t qos) {
    mqtt::Subscribe packet;
    packet.filters.push_back({filter, qos, false, false, 0});
    const auto feed = engine.subscribe(origin, packet, 1, out);
    while (feed && !engine.feed(*feed, 1000, 1, out)) {
    }
  }
  // One message from `from` to everyone, all acknowledgements of both sides included.
  void message(Origin from, mqtt::Publish& packet, const std::vector<Origin>& sessions) {
    engine.publish(from, packet, 1, out);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const Effect& effect = out[i];
      ack.packet_id = effect.packet_id;
      const Origin origin = sessions[effect.conn - 1];
      switch (effect.kind) {
        case EffectKind::publish:
          if (effect.qos == 1) engine.answer(origin, mqtt::PacketType::puback, ack, 1, out);
          if (effect.qos == 2) engine.answer(origin, mqtt::PacketType::pubrec, ack, 1, out);
          break;
        case EffectKind::pubrec:
          engine.answer(origin, mqtt::PacketType::pubrel, ack, 1, out);
          break;
        case EffectKind::pubrel:
          engine.answer(origin, mqtt::PacketType::pubcomp, ack, 1, out);
          break;
        default:
          break;
      }
    }
    out.clear();
  }

  State state;
  NullSink sink;
  Limits limits;
  EngineCounters counters;
  Engine engine;
  Effects out;
  mqtt::Ack ack;
  ConnId conns = 0;
};

// Processor time of this process, which other load on the machine changes least.
double cpu_ns() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <class Work>
void report(const char* name, int count, Work&& work) {
  const double begin = cpu_ns();
  work();
  std::printf("%-44s %8.0f ns each\n", name, (cpu_ns() - begin) / count);
}

const std::string kPayload(64, 'x');

void pairs(const char* name, std::uint8_t qos, bool durable, bool wildcard, int count) {
  Bench bench;
  std::vector<Origin> sessions;
  std::vector<std::string> topics;
  for (int i = 0; i < 16; ++i) {
    sessions.push_back(bench.connect("pub" + std::to_string(i), durable));
    sessions.push_back(bench.connect("sub" + std::to_string(i), durable));
    topics.push_back("bench/pair/" + std::to_string(i) + "/value");
    bench.subscribe(sessions.back(),
                    wildcard ? "bench/+/" + std::to_string(i) + "/#" : topics.back(), qos);
  }
  bench.out.clear();
  mqtt::Publish packet;
  packet.payload = kPayload;
  packet.qos = qos;
  report(name, count, [&] {
    for (int i = 0; i < count; ++i) {
      packet.topic = topics[static_cast<std::size_t>(i) % 16];
      packet.packet_id = qos == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(1 + i % 60'000);
      bench.message(sessions[static_cast<std::size_t>(i) % 16 * 2], packet, sessions);
    }
  });
  CHECK(bench.state.figures().queued == 0);
  CHECK(bench.counters.delivered[qos] == static_cast<std::uint64_t>(count));
}

std::size_t heap() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace

TEST_CASE("bench: pairs" * doctest::skip()) {
  const int kCount = std::getenv("BENCH_COUNT") ? std::atoi(std::getenv("BENCH_COUNT")) : 2'000'000;
  pairs("QoS 0 volatile", 0, false, false, kCount);
  pairs("QoS 1 volatile", 1, false, false, kCount);
  pairs("QoS 2 volatile", 2, false, false, kCount);
  pairs("QoS 0 durable sessions", 0, true, false, kCount);
  pairs("QoS 1 durable", 1, true, false, kCount);
  pairs("QoS 2 durable", 2, true, false, kCount);
  pairs("QoS 1 volatile, wildcard filters", 1, false, true, kCount);
}

TEST_CASE("bench: fan-out, drain, retained" * doctest::skip()) {
  {
    Bench bench;
    std::vector<Origin> sessions{bench.connect("pub", false)};
    for (int i = 0; i < 500; ++i) {
      sessions.push_back(bench.connect("sub" + std::to_string(i), false));
      bench.subscribe(sessions.back(), "fan", 0);
    }
    mqtt::Publish packet;
    packet.topic = "fan";
    packet.payload = kPayload;
    bench.out.clear();
    report("fan-out 1 to 500, QoS 0, per delivery", 2'000 * 500, [&] {
      for (int i = 0; i < 2'000; ++i) bench.message(sessions[0], packet, sessions);
    });
  }
  {
    Bench bench;
    Origin pub = bench.connect("pub", false), sub = bench.connect("sub", true);
    bench.subscribe(sub, "q/#", 1);
    bench.engine.disconnected(sub, 1, bench.out);
    mqtt::Publish packet;
    packet.topic = "q/topic";
    packet.payload = kPayload;
    packet.qos = 1;
    packet.packet_id = 1;
    const std::size_t before = heap();
    report("queue for an absent session", 60'000, [&] {
      for (int i = 0; i < 60'000; ++i) bench.engine.publish(pub, packet, 1, bench.out);
      bench.out.clear();
    });
    std::printf("%-44s %8zu bytes\n", "  queued message", (heap() - before) / 60'000);
    mqtt::Connect again;
    again.client_id = "sub";
    again.properties.session_expiry_s = 3600;
    report("drain of 60,000 on return", 60'000, [&] {
      sub = {++bench.conns, kNoSession};
      sub.seat = bench.engine.connect({sub.conn, again, ""}, 1, bench.out);
      for (std::size_t i = 0; i < bench.out.size(); ++i) {
        bench.ack.packet_id = bench.out[i].packet_id;
        if (bench.out[i].kind == EffectKind::publish)
          bench.engine.answer(sub, mqtt::PacketType::puback, bench.ack, 1, bench.out);
      }
    });
    CHECK(bench.state.figures().queued == 0);
  }
  {
    Bench bench;
    Origin pub = bench.connect("pub", false), sub = bench.connect("sub", false);
    mqtt::Publish packet;
    packet.payload = kPayload;
    packet.retain = true;
    const std::size_t before = heap();
    report("store 100,000 retained", 100'000, [&] {
      for (int i = 0; i < 100'000; ++i) {
        const std::string topic = "site/" + std::to_string(i % 100) + "/dev/" + std::to_string(i);
        packet.topic = topic;
        bench.engine.publish(pub, packet, 1, bench.out);
      }
    });
    std::printf("%-44s %8zu bytes\n", "  retained message above its payload",
                (heap() - before) / 100'000 - 64);
    bench.out.clear();
    bench.out.reserve(110'000);
    report("send 100,000 retained", 100'000, [&] { bench.subscribe(sub, "#", 0); });
    CHECK(bench.out.size() == 100'001);
    bench.out.clear();
    report("subscribe with wildcard, 1 retained of it", 1000, [&] {
      for (int i = 0; i < 1000; ++i)
        bench.subscribe(sub, "+/7/+/" + std::to_string(i * 100 + 7), 0);
    });
  }
}

TEST_CASE("bench: sessions" * doctest::skip()) {
  constexpr int kCount = 50'000;
  for (bool durable : {false, true}) {
    Bench bench;
    bench.out.reserve(1024);
    const std::size_t before = heap();
    std::vector<Origin> sessions;
    sessions.reserve(kCount);
    report(durable ? "connect, persistent + subscription" : "connect, volatile", kCount, [&] {
      for (int i = 0; i < kCount; ++i) {
        sessions.push_back(bench.connect("client-number-" + std::to_string(i), durable));
        if (durable) bench.subscribe(sessions.back(), "device/" + std::to_string(i) + "/cmd", 1);
        bench.out.clear();
      }
    });
    std::printf("%-44s %8zu bytes\n", "  each",
                (heap() - before - sessions.capacity() * sizeof(Origin)) / kCount);
    mqtt::Publish packet;
    packet.payload = kPayload;
    packet.qos = 1;
    packet.packet_id = 1;
    for (int turn = 0; durable && turn < 2; ++turn)
      report(turn == 0 ? "QoS 1 to each of 50,000 sessions, first" : "  the same again", kCount,
             [&] {
               for (int i = 0; i < kCount; ++i) {
                 const std::string topic = "device/" + std::to_string(i * 7919 % kCount) + "/cmd";
                 packet.topic = topic;
                 bench.message(sessions[static_cast<std::size_t>(i)], packet, sessions);
               }
             });
    std::string body;
    encode_record(body, ReignBegan{make_epoch(1, 1), 5});
    report("reign record, per session", kCount,
           [&] { CHECK(bench.state.apply_encoded(bench.sink.last + 1, Kind::reign_began, body)); });
    report("state hash, per session", kCount, [&] { CHECK(bench.state.hash() != 0); });
  }
}

TEST_CASE("bench: a standby applies what a primary wrote" * doctest::skip()) {
  struct Keep final : RecordSink {
    Lsn append(Kind kind, const ByteSource& body) override {
      records.emplace_back(kind, body.text());
      return records.size();
    }
    std::vector<std::pair<Kind, std::string>> records;
  } keep;
  State primary, standby;
  const Limits limits;
  EngineCounters counters;
  Engine engine(primary, keep, limits, nullptr, counters);
  Effects out;
  mqtt::Connect packet;
  packet.client_id = "both";
  packet.properties.session_expiry_s = 60;
  Origin origin{1, engine.connect({1, packet, ""}, 1, out)};
  mqtt::Subscribe subscribe;
  subscribe.filters.push_back({"a/topic", 1, false, false, 0});
  const auto feed = engine.subscribe(origin, subscribe, 1, out);
  CHECK(engine.feed(*feed, 1000, 1, out));
  mqtt::Publish publish;
  publish.topic = "a/topic";
  publish.payload = kPayload;
  publish.qos = 1;
  for (int i = 0; i < 200'000; ++i) {
    out.clear();
    engine.publish(origin, publish, 1, out);
    mqtt::Ack ack;
    ack.packet_id = out[0].packet_id;
    engine.answer(origin, mqtt::PacketType::puback, ack, 1, out);
  }
  Lsn lsn = 0;
  report("apply_encoded, per record", static_cast<int>(keep.records.size()), [&] {
    for (const auto& [kind, body] : keep.records) REQUIRE(standby.apply_encoded(++lsn, kind, body));
  });
  CHECK(standby.hash() == primary.hash());
}
