#include "broker/net/tls_ticket_note.h"

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "broker/base/bytes.h"

namespace tandemq::net {
namespace {

// Bytes, for two or three authorities: clients that take no message above 16 KiB, or less, would
// end the connection for a larger ticket. Who shows more shows it again after a reload.
constexpr std::size_t kChainMax = 4 << 10;

// `until`, then the certificates in DER, one behind the other.
std::string_view note_of(SSL_SESSION* session) {
  void* said = nullptr;
  std::size_t size = 0;
  if (SSL_SESSION_get0_ticket_appdata(session, &said, &size) != 1) return {};
  if (size < sizeof(std::int64_t)) return {};
  return {static_cast<const char*>(said), size};
}

}  // namespace

bool note_in_ticket(SSL* connection, std::int64_t until) {
  std::string note;
  put_le(note, static_cast<std::uint64_t>(until));
  std::string chain;
  const STACK_OF(X509)* const shown = SSL_get_peer_cert_chain(connection);
  for (int i = 0; i < sk_X509_num(shown); ++i) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(sk_X509_value(shown, i), &der);
    if (size > 0) chain.append(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
  }
  if (chain.size() <= kChainMax) note += chain;
  return SSL_SESSION_set1_ticket_appdata(SSL_get_session(connection), note.data(), note.size()) ==
         1;
}

std::int64_t good_until(SSL_SESSION* session) {
  const std::string_view note = note_of(session);
  if (note.empty()) return std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(get_le<std::uint64_t>(note.data()));
}

ChainPtr chain_of(const SSL* connection) {
  STACK_OF(X509)* const shown = SSL_get_peer_cert_chain(connection);
  if (shown) return ChainPtr(X509_chain_up_ref(shown));
  ChainPtr chain(sk_X509_new_null());
  std::string_view note = note_of(SSL_get_session(connection));
  if (note.empty()) return chain;
  note.remove_prefix(sizeof(std::int64_t));
  const auto* at = reinterpret_cast<const unsigned char*>(note.data());
  const unsigned char* const end = at + note.size();
  while (at < end) {
    X509* const one = d2i_X509(nullptr, &at, end - at);
    if (one && sk_X509_push(chain.get(), one) > 0) continue;
    X509_free(one);
    break;
  }
  return chain;
}

}  // namespace tandemq::net
