#include "tests/sim/checker.h"

#include <algorithm>

namespace tandemq::sim {
namespace {

std::string text(const MessageKey& key) {
  return "message " + std::to_string(key.number) + " of " + key.publisher;
}

std::string text(Epoch epoch) {
  return std::to_string(epoch_counter(epoch)) + "." + std::to_string(epoch_node(epoch));
}

}  // namespace

void Checker::published(const MessageKey& key, const Request& request, TimeUs now) {
  messages_.try_emplace(key, Message{request.text, request.qos, now, request.retain,
                                     request.message_expiry_s != 0, false});
}

void Checker::acknowledged(const MessageKey& key) {
  Message& message = messages_.at(key);
  if (!message.acknowledged) ++acknowledged_;
  message.acknowledged = true;
}

void Checker::subscribed(const std::string& subscriber, TimeUs now) {
  Subscriber& to = subscribers_.at(subscriber);
  if (to.since == 0) to.since = now;
}

void Checker::delivered(const std::string& subscriber, const MessageKey& key) {
  const auto found = messages_.find(key);
  if (found == messages_.end()) {
    return violate(subscriber + " got " + text(key) + ", which nobody published");
  }
  const Message& message = found->second;
  Subscriber& to = subscribers_.at(subscriber);
  ++delivered_;
  const unsigned times = ++to.seen[key];
  const unsigned qos = std::min(message.qos, to.qos);
  if (times > 1) {
    if (qos != 1) {
      violate_unless_forked(subscriber + " got " + text(key) + ", QoS " + std::to_string(qos) +
                            ", twice");
    }
    return;
  }
  std::uint64_t& last = to.last[{key.publisher, message.topic, message.qos}];
  // What is resent at QoS 1 is new to who came late, and where it had expired.
  const bool resent = message.qos == 1 && (to.sees == Sees::late || message.expires);
  const bool ordered = to.sees != Sees::shared && !resent;
  if (key.number < last && ordered) {
    violate_unless_forked(subscriber + " got " + text(key) + " after message " +
                          std::to_string(last) + " on " + message.topic + ", QoS " +
                          std::to_string(message.qos) + ": out of order");
  }
  last = std::max(last, key.number);
}

void Checker::everything_arrived() {
  std::set<MessageKey> missing;
  for (const auto& [name, subscriber] : subscribers_) {
    if (subscriber.since == 0) continue;
    for (const auto& [key, message] : messages_) {
      if (!message.acknowledged || message.expires) continue;
      if (message.first_sent <= subscriber.since) continue;
      if (subscriber.seen.contains(key) || (forked_ && in_quarantine(key))) continue;
      missing.insert(key);
      if (!forked_ || missing.size() > told_lost_) {
        return violate(text(key) + ", QoS " + std::to_string(message.qos) +
                       ", was acknowledged and never reached " + name);
      }
    }
  }
}

// Its payload, whole, in a record of either node's.
bool Checker::in_quarantine(const MessageKey& key) const {
  const std::string payload = key.publisher + " " + std::to_string(key.number);
  for (std::size_t at = quarantine_.find(payload); at != std::string::npos;
       at = quarantine_.find(payload, at + 1)) {
    const std::size_t end = at + payload.size();
    const bool longer =
        end < quarantine_.size() && quarantine_[end] >= '0' && quarantine_[end] <= '9';
    if (!longer) return true;
  }
  return false;
}

void Checker::retained_are(const std::map<std::string, MessageKey>& got) {
  if (forked_) return;
  std::map<std::string, MessageKey> expected;
  for (const auto& [key, message] : messages_) {
    if (message.retain && message.acknowledged) expected[message.topic] = key;
  }
  for (const auto& [topic, key] : expected) {
    const auto found = got.find(topic);
    if (found == got.end()) return violate("nothing is retained on " + topic);
    if (found->second == key) continue;
    return violate("retained on " + topic + " is " + text(found->second) + ", not " + text(key));
  }
  if (got.size() != expected.size()) violate("something is retained that nobody asked for");
}

void Checker::wills(std::uint64_t allowed) {
  if (wills_ <= allowed || forked_) return;
  violate(std::to_string(wills_) + " wills were published, but only " + std::to_string(allowed) +
          " connections were seen to end: a false death");
}

void Checker::committed(const std::string& node, Lsn lsn, Epoch epoch, std::uint32_t checksum,
                        bool of_will) {
  const auto [at, made] = committed_.try_emplace(lsn, epoch, checksum);
  if (made && of_will) ++wills_;
  if (made || at->second.second == checksum) return;
  violate_unless_forked("record " + std::to_string(lsn) + " was committed in epoch " +
                        text(at->second.first) + " and again, with other bytes, by " + node +
                        " in epoch " + text(epoch));
}

void Checker::released(const std::string& node, Epoch epoch, Lsn lsn) {
  const bool first = !released_.contains(epoch);
  released_[epoch] = std::max(released_[epoch], lsn);
  for (auto later = reigns_.upper_bound(epoch); later != reigns_.end(); ++later) {
    if (released_.contains(later->first)) judge_reigns(node, epoch, later->first);
  }
  if (!first) return;
  for (auto earlier = released_.begin(); earlier->first < epoch; ++earlier) {
    judge_reigns(node, earlier->first, epoch);
  }
}

// A reign that ended before it released anything was none.
void Checker::judge_reigns(const std::string& node, Epoch earlier, Epoch later) {
  const auto began = reigns_.find(later);
  if (began == reigns_.end() || released_.at(earlier) < began->second) return;
  violate_unless_forked(node + " releases: of record " + std::to_string(released_.at(earlier)) +
                        " effects got out in epoch " + text(earlier) + ", but epoch " +
                        text(later) + " began with record " + std::to_string(began->second) +
                        ": two primaries");
}

void Checker::reigns_with(const std::string& node, Lsn lsn, std::uint32_t checksum) {
  const auto found = committed_.find(lsn);
  if (found != committed_.end() && found->second.second != checksum) {
    violate_unless_forked(node + " reigns with another record " + std::to_string(lsn) +
                          " than the committed one");
  }
}

void Checker::state(const std::string& node, Lsn lsn, Epoch epoch, std::uint64_t hash) {
  const auto [at, made] = states_.try_emplace({epoch, lsn}, node, hash);
  if (made) return;
  ++hashes_compared_;
  if (at->second.second == hash) return;
  violate("state after record " + std::to_string(lsn) + " differs between " + at->second.first +
          " and " + node);
}

}  // namespace tandemq::sim
