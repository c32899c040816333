// An MQTT client as a careful application has it: persistent session, unacknowledged messages sent
// again in their order with DUP, exactly-once state on both sides kept across connections.
#pragma once

#include <bitset>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/mqtt/decode.h"
#include "broker/mqtt/encode.h"
#include "tests/bench/socket.h"

namespace tandemq::bench {

class Client;

// What the owner of clients hears. `now` is the time at which the bytes were read.
class ClientEvents {
 public:
  virtual void on_up(Client&, bool /*session_present*/, std::uint64_t /*now*/) {}
  virtual void on_subscribed(Client&, bool /*granted*/) {}
  virtual void on_message(Client&, const mqtt::Publish&, std::uint64_t /*now*/) {}
  // PUBACK, or PUBREC: from here on the message is the broker's.
  virtual void on_acknowledged(Client&, std::uint64_t /*tag*/, std::uint64_t /*sent_ns*/,
                               std::uint64_t /*now*/) {}
  virtual void on_down(Client&, const char* /*why*/, std::uint64_t /*now*/) {}

 protected:
  ~ClientEvents() = default;
};

struct ClientOptions {
  std::string id;
  std::string username;  // empty: none
  std::string password;
  mqtt::Version version = mqtt::Version::v5;
  bool clean_start = true;
  bool persistent = false;  // the session outlives the connection
  std::uint16_t keep_alive_s = 60;
  std::uint16_t window = 64;  // unacknowledged messages at most
  std::string will_topic;     // empty: no will
  std::uint32_t will_delay_s = 0;
};

class Client : public Socket {
 public:
  Client(Loop& loop, ClientEvents& events, std::uint32_t number, ClientOptions options);

  std::uint32_t number() const { return number_; }
  const ClientOptions& options() const { return options_; }
  bool up() const { return up_; }

  void connect(const Address& address);
  void subscribe(const std::string& filter, std::uint8_t qos);
  void ping();
  // Sends DISCONNECT and closes. `end_session` (5.0): the broker forgets the session.
  void leave(bool end_session);
  // Closes without a word.
  void drop();

  std::size_t in_flight() const { return slots_.size() - free_.size(); }
  bool can_publish(std::uint8_t qos) const {
    return up_ && unsent() < output_max && (qos == 0 || in_flight() < send_quota_);
  }
  // can_publish(qos) must hold. `tag` comes back with on_acknowledged.
  void publish(const mqtt::Publish& message, std::uint64_t tag, std::uint64_t now);

  std::uint64_t heard_ns() const { return heard_ns_; }      // last bytes from the broker
  std::uint64_t pinged_ns() const { return pinged_ns_; }    // last PINGREQ, 0: answered
  std::uint64_t dialled_ns() const { return dialled_ns_; }  // last connect()

 private:
  static constexpr std::size_t output_max = std::size_t{256} * 1024;
  enum class Step : std::uint8_t { free, publish, pubrel };
  struct Slot {
    Step step = Step::free;
    std::uint8_t qos = 0;
    bool retain = false;
    std::uint64_t order = 0;  // of the first PUBLISH, then of the first PUBREL
    std::uint64_t tag = 0;
    std::uint64_t sent_ns = 0;
    std::string topic;
    std::string payload;
  };

  void on_open() override;
  std::size_t on_data(std::string_view data) override;
  void on_closed(const char* why) override;
  void handle(const mqtt::Packet& packet, std::uint64_t now);
  void handle_connack(const mqtt::Connack& connack, std::uint64_t now);
  void handle_publish(const mqtt::Publish& publish, std::uint64_t now);
  void handle_puback(const mqtt::Ack& ack, std::uint64_t now);
  void handle_pubrec(const mqtt::Ack& ack, std::uint64_t now);
  void resend(bool session_present);
  void lost(const char* why, std::uint64_t now);
  Slot* slot_of(std::uint16_t packet_id, Step step);
  void release(Slot& slot);
  void answer(mqtt::PacketType type, std::uint16_t packet_id,
              mqtt::Reason reason = mqtt::Reason::success);

  ClientEvents& events_;
  std::uint32_t number_;
  ClientOptions options_;
  mqtt::Decoder decoder_;
  mqtt::Packet packet_;
  mqtt::Ack ack_;  // reused for every answer
  bool up_ = false;
  std::size_t send_quota_ = 0;  // the window, or the broker's receive maximum if that is less
  bool had_session_ = false;
  std::uint64_t heard_ns_ = 0;
  std::uint64_t pinged_ns_ = 0;
  std::uint64_t dialled_ns_ = 0;
  std::uint64_t next_order_ = 0;
  std::vector<Slot> slots_;                       // packet identifier - 1
  std::deque<std::uint16_t> free_;                // indexes; the longest unused first
  std::unique_ptr<std::bitset<65536>> received_;  // QoS 2 identifiers that wait for PUBREL
};

}  // namespace tandemq::bench
