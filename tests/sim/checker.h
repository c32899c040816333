// Judges a run: what was promised to clients and what the pair may never do. The first violation
// stops the run.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "broker/base/ids.h"
#include "tests/sim/clock.h"
#include "tests/sim/packets.h"

namespace tandemq::sim {

struct MessageKey {
  std::string publisher;
  std::uint64_t number = 0;
  auto operator<=>(const MessageKey&) const = default;
};

class Checker {
 public:
  const std::string& violation() const { return violation_; }
  void violate(const std::string& what) {
    if (violation_.empty()) violation_ = what;
  }
  // Not where the policy `timeout` let both sides of a split go on: then only what was acknowledged
  // is judged, which is in the history that stays or in a quarantine.
  void violate_unless_forked(const std::string& what) {
    if (!forked_) violate(what);
  }
  void fork() { forked_ = true; }
  bool forked() const { return forked_; }
  // So many records that a node had acknowledged and holds no more: it told so.
  void told_lost(std::uint64_t records) { told_lost_ += records; }
  // Frames that a node kept aside.
  void quarantined(const std::string& frames) { quarantine_ += frames; }

  // Clients.
  void published(const MessageKey& key, const Request& request, TimeUs now);
  void acknowledged(const MessageKey& key);  // PUBACK or PUBREC reached the publisher
  // Everything; as several members, between whom there is no order (MQTT 5.0, 4.6); or from some
  // moment on: what a publisher resends at QoS 1 may have been published before it.
  enum class Sees : std::uint8_t { all, shared, late };
  void expects(const std::string& subscriber, unsigned qos, Sees sees = Sees::all) {
    subscribers_[subscriber].qos = qos;
    subscribers_[subscriber].sees = sees;
  }
  void subscribed(const std::string& subscriber, TimeUs now);  // SUBACK did
  void delivered(const std::string& subscriber, const MessageKey& key);
  // After all is healed and drained.
  void everything_arrived();
  // What a new subscriber got then, by topic: the last message published there to be retained. A
  // publisher resends in order, so with one QoS to a topic nothing older can be left.
  void retained_are(const std::map<std::string, MessageKey>& got);
  // A will was published although its client may come back: `allowed` connections were seen to end.
  void wills(std::uint64_t allowed);

  // Nodes. Record `lsn` was committed by `node`, as bytes with this checksum; of a will: nobody
  // hears of one whose record is lost before that.
  void committed(const std::string& node, Lsn lsn, Epoch epoch, std::uint32_t checksum,
                 bool of_will);
  // An effect of record `lsn` left `node`. After a later reign has begun that is only right for
  // what it took over: the old primary may still hear that its standby held it.
  void released(const std::string& node, Epoch epoch, Lsn lsn);
  // A reign begins, with record `first`.
  void reign_began(Epoch epoch, Lsn first) { reigns_[epoch] = first; }
  // A node begins a reign; its record `lsn` has this checksum.
  void reigns_with(const std::string& node, Lsn lsn, std::uint32_t checksum);
  Lsn committed_last() const { return committed_.empty() ? 0 : committed_.rbegin()->first; }
  // State after record `lsn`.
  void state(const std::string& node, Lsn lsn, Epoch epoch, std::uint64_t hash);
  bool knows_state(Lsn lsn, Epoch epoch) const { return states_.contains({epoch, lsn}); }

  std::uint64_t published_count() const { return messages_.size(); }
  std::uint64_t acknowledged_count() const { return acknowledged_; }
  std::uint64_t delivered_count() const { return delivered_; }
  std::uint64_t hashes_compared() const { return hashes_compared_; }

 private:
  struct Message {
    std::string topic;
    unsigned qos = 0;
    TimeUs first_sent = 0;
    bool retain = false;
    bool expires = false;
    bool acknowledged = false;
  };
  struct Subscriber {
    unsigned qos = 0;
    Sees sees = Sees::all;
    TimeUs since = 0;
    std::map<MessageKey, unsigned> seen;
    // Last number first seen, by publisher, topic and QoS.
    std::map<std::tuple<std::string, std::string, unsigned>, std::uint64_t> last;
  };

  bool in_quarantine(const MessageKey& key) const;
  void judge_reigns(const std::string& node, Epoch earlier, Epoch later);

  std::string violation_;
  bool forked_ = false;
  std::string quarantine_;
  std::uint64_t told_lost_ = 0;
  std::map<MessageKey, Message> messages_;
  std::map<std::string, Subscriber> subscribers_;
  std::map<Lsn, std::pair<Epoch, std::uint32_t>> committed_;
  std::map<std::pair<Epoch, Lsn>, std::pair<std::string, std::uint64_t>> states_;
  std::map<Epoch, Lsn> reigns_;    // first record
  std::map<Epoch, Lsn> released_;  // last record of which an effect got out
  std::uint64_t wills_ = 0;        // published, their records committed
  std::uint64_t acknowledged_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t hashes_compared_ = 0;
};

}  // namespace tandemq::sim
