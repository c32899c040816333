// Keys that seal session tickets, derived and not sent: of the pair's secret and a number that
// moves on with the pair's time. Both nodes derive the same, so a ticket of one is good at the
// other (docs/decisions/tls.md). A ticket names its key's number and says which secret it is of.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace tandemq::net {

class TicketKeys {
 public:
  static constexpr std::uint64_t kRotationMs = 8ull * 3600 * 1000;
  static constexpr std::uint64_t kFormerKeys = 3;  // still good
  static constexpr long kLifetimeS = 24 * 3600;    // of a ticket
  static constexpr std::size_t kSecretMin = 16;    // bytes

  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;  // AES-256-CBC
    std::array<unsigned char, 32> mac;     // HMAC-SHA-256
  };

  // `pair_ms`: the pair's time. The secret is as long as `secret_from` demands.
  TicketKeys(std::string secret, std::function<std::uint64_t()> pair_ms)
      : secret_(std::move(secret)), pair_ms_(std::move(pair_ms)) {}
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // The first line of the file; of none a secret of this process alone.
  static Result<std::string> secret_from(const std::string& path);

  // Of contexts whose tickets these keys seal; must outlive them.
  void serve(SSL_CTX* context);

 private:
  static constexpr std::size_t kKept = 5;
  struct Kept {
    std::uint64_t number = 0;
    bool made = false;
    Key key;
  };

  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int sealing);
  static int on_made(SSL* ssl, void* self);
  static SSL_TICKET_RETURN on_shown(SSL* ssl, SSL_SESSION* session, const unsigned char* name,
                                    std::size_t name_size, SSL_TICKET_STATUS status, void* self);
  std::uint64_t number_now() const { return pair_ms_() / kRotationMs; }
  const Key& key(std::uint64_t number);
  const Key* known(const unsigned char* name, bool& renew);

  std::string secret_;
  std::function<std::uint64_t()> pair_ms_;
  std::array<Kept, kKept> kept_;
};

}  // namespace tandemq::net
