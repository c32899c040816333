// TLS of the clients: a context for all of them, and what one client keeps from connection to
// connection so that it can resume its session (RFC 8446 section 2.2, RFC 5077).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "broker/base/result.h"

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace tandemq::bench {

class Tls {
 public:
  // The broker's certificate has to be of an authority in `ca_file` and name `host`.
  static Result<std::shared_ptr<Tls>> create(const std::string& ca_file, std::string host);
  ~Tls();

  std::uint64_t full = 0;  // handshakes done
  std::uint64_t resumed = 0;

 private:
  friend class TlsStream;
  Tls(ssl_ctx_st* context, std::string host) : context_(context), host_(std::move(host)) {}

  ssl_ctx_st* context_;  // owned
  const std::string host_;
};

class TlsStream {
 public:
  enum class Shake : std::uint8_t { done, wants_read, wants_write, failed };

  explicit TlsStream(std::shared_ptr<Tls> tls) : tls_(std::move(tls)) {}
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;
  ~TlsStream();

  // A connection that stands: its handshake begins.
  void start(int fd);
  void stop();
  Shake shake();
  // As recv() and send(), errno included.
  ssize_t read(char* into, std::size_t size);
  ssize_t write(const char* from, std::size_t size);
  bool pending() const;  // read() has more at once
  // Of the last failure; valid until the next call.
  const char* error() const { return error_.c_str(); }

 private:
  friend class Tls;
  static int keep_session(ssl_st* ssl, ssl_session_st* session);
  ssize_t outcome(int result);
  void note_error();

  const std::shared_ptr<Tls> tls_;
  ssl_st* ssl_ = nullptr;              // owned
  ssl_session_st* session_ = nullptr;  // owned
  std::string error_;
};

}  // namespace tandemq::bench
