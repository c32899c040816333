// One TCP connection that carries messages (replicator/core/wire.h): buffers, partial reads and
// writes. All bytes pass through read_some and write_some, which is where TLS goes in.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "replicator/core/wire.h"

struct event;
struct event_base;

namespace tandemq::repl {

class LinkStream {
 public:
  // Callbacks may call close(); the object itself must outlive the callback.
  struct Callbacks {
    std::function<void(const Message&)> message;
    std::function<void()> turn_ended;
    std::function<void()> drained;
    std::function<void(const std::string& reason)> closed;  // by the peer or an error, once
  };

  // Takes a non-blocking socket, whose connection may be under way still (wait_connected).
  LinkStream(event_base* base, int fd, std::uint32_t message_max);
  ~LinkStream();
  LinkStream(const LinkStream&) = delete;
  LinkStream& operator=(const LinkStream&) = delete;

  void set_callbacks(Callbacks callbacks) { callbacks_ = std::move(callbacks); }
  // Waits for a connect() that is under way; then calls `opened` with the error, empty when fine.
  void wait_connected(std::uint32_t timeout_ms, std::function<void(const std::string&)> opened);
  // Closed when no message came within first_message_ms, 0: never.
  void start_reading(std::uint32_t first_message_ms);
  void set_message_max(std::uint32_t bytes) { message_max_ = bytes; }

  void send(std::string_view head, std::string_view body);
  std::size_t unsent() const { return out_.size() - out_at_; }
  void close();
  bool is_open() const { return fd_ >= 0; }

  std::uint64_t sent_bytes() const { return sent_bytes_; }
  std::uint64_t received_bytes() const { return received_bytes_; }

 private:
  enum class Io : std::uint8_t { done, again, failed };
  static void on_event(int fd, short what, void* self);
  Io read_some(std::string& error);
  Io write_some(const iovec* parts, int count, std::size_t& written, std::string& error);
  void on_readable();
  void on_writable();
  bool decode_all();
  void fail(const std::string& reason);

  event_base* base_;
  int fd_;
  std::uint32_t message_max_;
  Callbacks callbacks_;
  std::function<void(const std::string&)> opened_;
  ::event* read_event_ = nullptr;
  ::event* write_event_ = nullptr;
  std::string in_;
  std::size_t in_used_ = 0;  // bytes of in_ that hold data
  std::string out_;
  std::size_t out_at_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t received_bytes_ = 0;
};

}  // namespace tandemq::repl
