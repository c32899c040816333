// What a ticket says beside the session: until when the certificates are good by which the client
// came in, and what it has shown beside its own one. Of a resumed session OpenSSL knows the
// client's own alone; to be judged anew after a reload it needs those up to the authority, too.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdint>
#include <memory>

namespace tandemq::net {

struct ChainFreed {
  void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};
using ChainPtr = std::unique_ptr<STACK_OF(X509), ChainFreed>;

// Into the ticket that is being made; `until`: seconds of Unix time. False: out of memory.
bool note_in_ticket(SSL* connection, std::int64_t until);
// The largest number where no ticket has said it.
std::int64_t good_until(SSL_SESSION* session);
// Shown beside the client's own certificate, now or when it got its ticket.
ChainPtr chain_of(const SSL* connection);

}  // namespace tandemq::net
