// Whom a certificate names.
#pragma once

#include <openssl/x509.h>

#include <string>

#include "broker/net/tls_settings.h"

namespace tandemq::net {

// Empty when it has none of that kind that could be a user name: UTF-8 without control characters,
// at most kCertificateNameMax bytes. Of several alternative names the first: e-mail, host or URI.
std::string name_in(const X509* certificate, CertificateName which);

constexpr std::size_t kCertificateNameMax = 1024;

}  // namespace tandemq::net
