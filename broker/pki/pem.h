// PEM files, read: certificates with their chains, private keys, revocation lists. What is wrong
// with one is an Error that names key of the configuration, file and remedy.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/result.h"

namespace tandemq::pki {

// OpenSSL's objects, each freed by its own function.
template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using CrlPtr = std::unique_ptr<X509_CRL, Freed<X509_CRL_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

// How long a file that was read is good, for status, metrics and log.
struct CertificateNote {
  std::string file;
  std::string kind;              // "certificate", "ca", "crl"
  std::string subject;           // of a revocation list: who issued it
  std::int64_t not_after_s = 0;  // Unix time
  bool begun = true;             // not of the future
};

// A file of the configuration, with the key that names it: "listener.certfile".
struct PemFile {
  std::string key, path;
};

// The file; of a folder all files in it, by name.
Result<std::vector<PemFile>> pem_files(const PemFile& file_or_folder);

// At least one.
Result<std::vector<X509Ptr>> read_certificates(const PemFile& file);
Result<KeyPtr> read_private_key(const PemFile& file);
// None is an error too.
Result<std::vector<CrlPtr>> read_revocation_lists(const PemFile& file);

std::int64_t unix_time(const ASN1_TIME* time);
CertificateNote note_of(const PemFile& file, const char* kind, X509* certificate);
CertificateNote note_of(const PemFile& file, X509_CRL* list);

// The oldest error that OpenSSL has noted, in words; forgets all of them.
std::string openssl_reason();
Error bad_file(const PemFile& file, const std::string& what);

}  // namespace tandemq::pki
