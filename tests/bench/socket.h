// A non-blocking connection by TCP, TLS or WebSocket with its unsent output and its half-read
// input.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tests/bench/address.h"
#include "tests/bench/loop.h"
#include "tests/bench/websocket.h"

namespace tandemq::bench {

class Socket : public Pollable {
 public:
  enum class State { closed, connecting, shaking, upgrading, open };

  explicit Socket(Loop& loop) : loop_(loop) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  virtual ~Socket() { close(); }

  State state() const { return state_; }
  // Begins to connect; on_open or on_closed follows.
  void open(const Address& address);
  void close();

 protected:
  // Append here, then call want_flush().
  std::string& out() { return out_; }
  std::size_t unsent() const { return out_.size() - sent_; }
  void want_flush() {
    if (flush_wanted_) return;
    flush_wanted_ = true;
    loop_.flush_later(this);
  }

  // Tries to write at once, for the last packet before close().
  void flush_now() { flush(); }

  virtual void on_open() = 0;
  // Returns how many bytes were taken; the rest comes again with what follows it.
  virtual std::size_t on_data(std::string_view data) = 0;
  // The connection is closed already; `why` is a literal or strerror.
  virtual void on_closed(const char* why) = 0;

 private:
  void on_events(std::uint32_t events) override;
  void flush() override;
  void finish_connecting();
  void shake();
  void opened();
  void upgrade();
  bool finish_upgrade(std::string_view answer);
  void receive();
  bool receive_once();  // false: nothing more at present
  void frame_output();
  void fail(const char* why);

  Loop& loop_;
  State state_ = State::closed;
  int fd_ = -1;
  std::unique_ptr<TlsStream> tls_;        // null: plain TCP
  std::unique_ptr<WebSocket> websocket_;  // null: MQTT without frames
  bool flush_wanted_ = false;
  bool waits_to_write_ = false;
  std::string out_;
  std::size_t sent_ = 0;    // bytes of out_ that are gone
  std::size_t framed_ = 0;  // bytes of out_ that are in frames
  std::string rest_;        // input that holds no whole packet yet
};

}  // namespace tandemq::bench
