// What a listener that speaks TLS is told by the configuration. Files are PEM.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tandemq::net {

// What of a client's certificate is its user name.
enum class CertificateName : std::uint8_t { none, common_name, alternative_name, subject };

struct TlsSettings {
  std::vector<std::string> certfile;  // each a certificate with its chain; none: no TLS
  std::vector<std::string> keyfile;   // one for each of them
  std::string cafile;                 // who signs clients' certificates
  std::string capath;                 // a folder of such
  std::string crlfile;                // a file, or a folder
  bool require_certificate = false;
  CertificateName certificate_username = CertificateName::none;
  std::string tls_version = "tlsv1.2";  // the least: or "tlsv1.3"
  std::string ciphers;                  // of TLS 1.2, as OpenSSL writes them; empty: its choice
  std::string ciphersuites;             // of TLS 1.3
  bool under_http = false;              // ALPN chooses "http/1.1", as for WebSocket, not "mqtt"

  bool on() const { return !certfile.empty(); }
  bool asks_for_certificate() const { return !cafile.empty() || !capath.empty(); }
};

}  // namespace tandemq::net
