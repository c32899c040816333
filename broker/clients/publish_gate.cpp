#include "broker/clients/publish_gate.h"

#include <utility>

#include "broker/clients/client_log.h"

namespace tandemq::broker {
namespace {

constexpr unsigned kPublish = 3;  // packet type, the upper half of the first byte
// Near the ceiling, at each look: acknowledgements that come behind a PUBLISH make room.
constexpr std::size_t kPassesAtOnce = 8, kPassesWhenCritical = 1;
constexpr std::uint32_t kTellAgainS = 60;

}  // namespace

bool PublishGate::over_rate(const Client& client) const {
  const std::uint64_t now = turn_.mono_ns();
  return (limits_.publishes_per_s != 0 && client.messages.empty(now)) ||
         (limits_.publish_bytes_per_s != 0 && client.bytes.empty(now));
}

PublishGate::Passage PublishGate::decide(Client& client, char first_byte) {
  const auto byte = static_cast<unsigned char>(first_byte);
  if (byte >> 4 != kPublish || client.stage() != Stage::serving) return Passage::pass;
  if (memory_ != MemoryState::ample && !client.may_pass) return Passage::wait;
  if (!over_rate(client)) return Passage::pass;
  if ((byte >> 1 & 3) == 0) return Passage::drop;
  ++counters_.publishers_held;
  tell(client, false);
  return Passage::wait;
}

void PublishGate::dropped(Client& client) {
  ++counters_.dropped_rate_limited;
  tell(client, true);
}

void PublishGate::tell(Client& client, bool dropped) {
  const std::uint32_t now = turn_.seconds() + 1;  // 0: never told
  if (client.rate_told_s != 0 && now < client.rate_told_s + kTellAgainS) return;
  client.rate_told_s = now;
  log_client(LogLevel::notice, "rate_limited", client,
             dropped
                 ? "publishes above limits.publish_rate_max or publish_bytes_rate_max, QoS 0 is "
                   "dropped"
                 : "publishes above limits.publish_rate_max or publish_bytes_rate_max, it is "
                   "read from more slowly");
}

void PublishGate::taken(Client& client, std::size_t bytes) {
  client.may_pass = false;
  const std::uint64_t now = turn_.mono_ns();
  if (limits_.publishes_per_s != 0) client.messages.take(1, limits_.publishes_per_s, now);
  if (limits_.publish_bytes_per_s != 0) client.bytes.take(bytes, limits_.publish_bytes_per_s, now);
}

void PublishGate::hold(Client& client) {
  if (client.held) return;
  client.held = true;
  waiting_.push_back(client.id);
  share_.listen(client);
}

void PublishGate::resume() {
  std::size_t passes = memory_ == MemoryState::tight ? kPassesAtOnce : kPassesWhenCritical;
  std::size_t left = 0;
  for (const core::ConnId id : waiting_) {
    Client* client = table_.find(id);
    if (!client || !client->held) continue;
    const bool waits = memory_ != MemoryState::ample && passes == 0;
    if (waits || over_rate(*client)) {
      waiting_[left++] = id;
      continue;
    }
    if (memory_ != MemoryState::ample) {
      --passes;
      client->may_pass = true;
    }
    client->held = false;
    client->heard_s = turn_.seconds();
    if (client->backlog) continue;
    if (client->channel.has_rest())
      share_.put_off(*client);
    else
      share_.listen(*client);
  }
  waiting_.resize(left);
}

}  // namespace tandemq::broker
