// Simulated MQTT clients at the level of commands. They keep their session for ever (unless it is a
// clean one), connect to whichever node serves, and resend as the protocol says. Publishers number
// their messages.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/node.h"
#include "tests/sim/packets.h"

namespace tandemq::sim {

// Which node a client would reach; null when none serves.
using FindNode = std::function<Node*(std::uint64_t client)>;

class Client {
 public:
  Client(Place& place, std::uint64_t id, std::string name, FindNode find);
  virtual ~Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void start() { reconnect(0); }
  void received(core::ConnId conn, const Reply& reply);
  // The network between this client and `node` ends; the node may notice or not.
  void cut_off(const Node& node, bool node_notices);
  bool online() const { return greeted_; }
  const std::string& name() const { return name_; }
  Node* node() const { return node_; }
  // Before it starts. A clean session has no will: nothing tells whether a node that fell saw it
  // end.
  void is(mqtt::Version version, bool clean) {
    kind_.version = version;
    kind_.clean = clean;
    if (clean) kind_.has_will = false;
  }

 protected:
  void send(Request request);
  void disconnect(bool node_notices);
  virtual void on_connected(bool session_present) = 0;
  virtual void on_reply(const Reply& reply) = 0;
  virtual bool waits() const = 0;  // for an answer
  virtual bool comes_back() const { return true; }
  core::ConnId connection() const { return conn_; }
  void violate(const std::string& what) {
    place_.checker.violate_unless_forked(name_ + ": " + what);
  }

  Place& place_;
  ClientKind kind_;
  bool had_session_ = false;

 private:
  void reconnect(TimeUs delay);
  void watch(core::ConnId conn);

  const std::uint64_t id_;
  const std::string name_;
  const FindNode find_;
  Node* node_ = nullptr;
  core::ConnId conn_ = 0;
  bool greeted_ = false;
  TimeUs sent_until_ = 0;
  TimeUs got_until_ = 0;
  TimeUs heard_ = 0;
};

class Publisher final : public Client {
 public:
  using Client::Client;
  // Publishes `count` more messages at intervals up to `interval`; QoS 0 to 2 fixes it, 3 takes
  // QoS 1 for its even topics and 2 for the odd ones, of which there are `topics`.
  void publish(std::uint64_t count, unsigned qos, TimeUs interval, unsigned topics);
  void stop() { to_publish_ = 0; }
  // Some at QoS 0, some that expire.
  void mixes() { mixes_ = true; }
  bool idle() const { return to_publish_ == 0 && outstanding_.empty(); }
  std::uint64_t acknowledged() const { return acknowledged_; }

 private:
  enum class Stage : std::uint8_t { sent, released };  // waits for PUBACK or PUBREC; for PUBCOMP
  struct Outgoing {
    Request request;
    std::uint64_t number = 0;
    Stage stage = Stage::sent;
  };
  void next();
  void mix(Request& request);
  void on_connected(bool session_present) override;
  void on_reply(const Reply& reply) override;
  bool waits() const override { return !outstanding_.empty(); }
  Outgoing* find(std::uint16_t packet_id, const char* what);

  std::vector<Outgoing> outstanding_;  // in the order in which they were first sent
  std::uint64_t to_publish_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint16_t packet_id_ = 0;
  unsigned qos_ = 3;
  unsigned topics_ = 1;
  TimeUs interval_ = 0;
  bool pacing_ = false;
  bool mixes_ = false;
};

class Subscriber final : public Client {
 public:
  Subscriber(Place& place, std::uint64_t id, std::string name, FindNode find, unsigned qos);
  // Of a shared subscription: its members are judged as one.
  void joins(const std::string& group);
  std::uint64_t delivered() const { return delivered_; }
  bool subscribed() const { return subscribed_; }
  const std::map<std::string, MessageKey>& retained() const { return retained_; }

 private:
  void on_connected(bool session_present) override;
  void on_reply(const Reply& reply) override;
  bool waits() const override { return !subscribed_; }
  void take(const Reply& reply);
  void acknowledge(mqtt::PacketType type, std::uint16_t packet_id);
  std::string judged_as() const;

  const unsigned qos_;
  std::string group_;
  bool subscribed_ = false;
  std::map<std::uint16_t, std::string> received_;  // QoS 2, between PUBREC and PUBREL: payloads
  std::map<std::string, MessageKey> retained_;     // came with RETAIN, by topic
  std::uint64_t delivered_ = 0;
};

}  // namespace tandemq::sim
