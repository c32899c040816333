// An authority of one pair, and what it issues: ECDSA P-256, signed with SHA-256.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string>

#include "broker/base/result.h"
#include "broker/pki/pem.h"

namespace tandemq::pki {

struct KeyAndCertificate {
  KeyPtr key;
  X509Ptr certificate;
};

// Errors: OpenSSL's, as when there is no randomness; code 3.
Result<KeyAndCertificate> make_authority(const std::string& pair_id, int days);

// For that node of the authority's pair, as both ends of the link; not for longer than the
// authority itself. An authority that make_authority has not made is refused (code 2).
Result<KeyAndCertificate> issue_for(const KeyAndCertificate& authority, const std::string& node,
                                    int days);

// The pair of an authority as it stands in names ("tandemq://plant-1/"); empty: it is none.
std::string pair_of(const X509* authority);

std::string to_pem(const EVP_PKEY* key);
std::string to_pem(X509* certificate);

}  // namespace tandemq::pki
