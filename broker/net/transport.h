// How the bytes of one connection travel: TCP today; TLS, WebSocket or a test's memory stand behind
// the same interface, one over the other where they stack. Nothing here blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tandemq::net {

enum class Io : std::uint8_t {
  done,   // `size` bytes, at least one
  later,  // none now: wait for Ready
  ended   // the other end has closed, or the connection is broken
};

struct IoResult {
  Io io = Io::later;
  std::size_t size = 0;
};

// What a connection waits for, or what has come.
struct Ready {
  bool read = false;
  bool write = false;
  bool gone = false;  // the other end has closed; for who does not read
  bool operator==(const Ready&) const = default;
};

class TransportUser {
 public:
  // Called by the loop only, never from within a call of the transport's. It is the last thing that
  // the transport does there: the user may destroy it.
  virtual void transport_ready(Ready what) = 0;

 protected:
  ~TransportUser() = default;
};

class Transport {
 public:
  // Closes at once.
  virtual ~Transport() = default;

  // Who hears when it is ready; before any other call, and outlives it.
  void attach(TransportUser& user) { user_ = &user; }

  virtual IoResult read(char* to, std::size_t size_max) = 0;
  virtual IoResult write(std::string_view bytes) = 0;
  // Says that nothing more will be written. What comes can still be read.
  virtual void shut() = 0;

  // What the user waits for until the next call. What the transport itself has to wait for beyond
  // that (a handshake that must write before anything can be read) is its own business.
  virtual void want(Ready what) = 0;
  // Bytes were taken from the network that read() has not given yet; Ready will not tell of them.
  virtual bool pending() const { return false; }
  // Whether the other end has closed already; for who has not begun to read.
  virtual bool gone() const { return false; }

  // "10.0.0.1:50000", "[fd00::1]:50000", "unix:uid-1000,pid-77"; empty when it is not known any
  // more.
  virtual std::string peer_address() const = 0;
  // Whom the other end's certificate names; empty: it showed none.
  virtual std::string peer_certificate() const { return {}; }
  // Whether the other end would be let in by what its listener goes by now. May take a millisecond.
  virtual bool peer_trusted() const { return true; }

 protected:
  TransportUser* user_ = nullptr;
};

}  // namespace tandemq::net
