// TLS between the link's bytes and the socket's, in memory: what came from the socket goes in, what
// is to be sent is appended to the stream's own buffer. Nothing in it waits.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker/pki/pem.h"
#include "replicator/shell/link_tls.h"

namespace tandemq::repl {

class LinkCipher {
 public:
  enum class Io : std::uint8_t { done, again, failed };
  static constexpr std::size_t kRoom = 128u << 10;
  // Plaintext that one room can bring: with what was there of a record before.
  static constexpr std::size_t kPlainMax = kRoom + (17u << 10);
  // After so many records another key is used: AES-GCM is not good for any number (RFC 8446, 5.5).
  static constexpr std::uint64_t kRecordsPerKey = 1u << 22;

  // Dials or listens. `tls` and `out` outlive it.
  LinkCipher(const LinkTls& tls, bool dials, std::string& out,
             std::uint64_t records_per_key = kRecordsPerKey);
  LinkCipher(const LinkCipher&) = delete;
  LinkCipher& operator=(const LinkCipher&) = delete;

  // What the socket has goes there, at most kRoom bytes; then shake() or read() until `again`.
  char* room() { return raw_.get(); }
  void received(std::size_t size);

  Io shake();  // a handshake as far as it goes
  bool shaken() const { return shaken_; }
  Io read(char* to, std::size_t size_max, std::size_t& size);
  // False: broken, which the reader hears.
  bool seal(std::string_view head, std::string_view body);

  // Of what failed: why, and whether it is because the two nodes do not fit.
  const std::string& failure() const { return failure_; }
  bool is_refusal() const { return refusal_; }
  // The other end began with a message that was not encrypted.
  bool met_plain() const;
  const SSL* connection() const { return ssl_.get(); }

 private:
  bool write(std::string_view bytes);
  Io outcome(int returned);
  void note_failure();

  static const BIO_METHOD* bio_method();
  static int bio_read(BIO* bio, char* to, std::size_t size_max, std::size_t* size);
  static int bio_write(BIO* bio, const char* from, std::size_t size, std::size_t* written);
  static long bio_control(BIO* bio, int what, long, void*);

  const LinkTls& tls_;
  std::string& out_;
  const std::uint64_t records_per_key_;
  std::unique_ptr<char[]> raw_;
  std::size_t raw_at_ = 0, raw_end_ = 0;
  std::array<unsigned char, 9> first_{};  // bytes of the other end
  std::size_t first_size_ = 0;
  std::uint64_t records_ = 0;  // by the present key
  std::unique_ptr<SSL, pki::Freed<SSL_free>> ssl_;
  bool shaken_ = false, refusal_ = false;
  std::string failure_;
};

}  // namespace tandemq::repl
