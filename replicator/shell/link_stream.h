// One TCP connection that carries messages (replicator/core/wire.h), plain or over TLS: buffers,
// partial reads and writes.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "replicator/core/wire.h"
#include "replicator/shell/link_cipher.h"

struct event;
struct event_base;

namespace tandemq::repl {

class LinkStream {
 public:
  // Why a connection ended.
  struct End {
    std::string reason;
    bool refusal = false;  // the two nodes do not fit: to try again soon helps nobody
  };
  // Callbacks may call close(); the object itself must outlive the callback.
  struct Callbacks {
    std::function<void(const Message&)> message;
    std::function<void()> turn_ended;
    std::function<void()> drained;
    std::function<void(const End& end)> closed;  // by the peer or an error, once
  };

  // Takes a non-blocking socket, whose connection may be under way still (wait_connected).
  // `unlike`: what is said to an end that has TLS where this one has none, or the reverse.
  LinkStream(event_base* base, int fd, std::uint32_t message_max, std::string unlike);
  ~LinkStream();
  LinkStream(const LinkStream&) = delete;
  LinkStream& operator=(const LinkStream&) = delete;

  void set_callbacks(Callbacks callbacks) { callbacks_ = std::move(callbacks); }
  // Waits for a connect() that is under way; then calls `opened` with the error, empty when fine.
  void wait_connected(std::uint32_t timeout_ms, std::function<void(const std::string&)> opened);
  // All bytes from here on are TLS; calls `shaken` when each end has proved who it is to the other,
  // as far as this one can know. `tls` outlives the stream.
  void shake_hands(const LinkTls& tls, bool dials, std::function<void()> shaken);
  void start_reading();
  // Closed when so long from now nobody has called this again; 0: never.
  void set_deadline(std::uint32_t ms);
  void set_message_max(std::uint32_t bytes) { message_max_ = bytes; }

  void send(std::string_view head, std::string_view body);
  std::size_t unsent() const { return out_.size() - out_at_; }
  void close();
  bool is_open() const { return fd_ >= 0; }
  // Null: it is plain.
  const SSL* connection() const { return cipher_ ? cipher_->connection() : nullptr; }

  std::uint64_t sent_bytes() const { return sent_bytes_; }
  std::uint64_t received_bytes() const { return received_bytes_; }

 private:
  enum class Io : std::uint8_t { done, again, failed };
  static void on_event(int fd, short what, void* self);
  static void on_deadline(int fd, short what, void* self);
  Io receive(char* to, std::size_t size_max, std::size_t& size, End& end);
  Io read_plain(bool& more, End& end);
  Io read_sealed(bool& more, End& end);
  Io shake(End& end);
  Io write_some(const iovec* parts, int count, std::size_t& written, std::string& error);
  bool write_out(std::string& error);
  void on_readable();
  void on_writable();
  bool decode_all();
  void damaged(std::string_view rest);
  void say_unlike();
  void fail(const End& end);

  event_base* base_;
  int fd_;
  std::uint32_t message_max_;
  const std::string unlike_;
  Callbacks callbacks_;
  std::function<void(const std::string&)> opened_;
  std::function<void()> shaken_;
  ::event* read_event_ = nullptr;
  ::event* write_event_ = nullptr;
  ::event* deadline_ = nullptr;
  std::string in_;
  std::size_t in_used_ = 0;  // bytes of in_ that hold data
  std::string out_;
  std::size_t out_at_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t received_bytes_ = 0;
  std::unique_ptr<LinkCipher> cipher_;  // appends to out_
};

}  // namespace tandemq::repl
