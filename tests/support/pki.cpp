#include "tests/support/pki.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <utility>

#include "broker/base/check.h"

namespace tandemq::test {
namespace {

constexpr long kDay = 86'400;

pki::KeyPtr new_key(bool rsa) {
  pki::KeyPtr key(rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
  TMQ_CHECK(key != nullptr);
  return key;
}

template <class F>
void to_file(const std::string& path, F write) {
  FILE* file = std::fopen(path.c_str(), "w");
  TMQ_CHECK(file && write(file) == 1);
  std::fclose(file);
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& text) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, text.c_str());
  TMQ_CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

Pki::Pki(std::string folder, const std::string& name)
    : folder_(std::move(folder)), key_(new_key(false)) {
  authority_ = make({name, "", false, 3650}, key_.get());
  add_extension(authority_.get(), authority_.get(), NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(authority_.get(), key_.get(), EVP_sha256());
  cafile_ = write(name, nullptr, authority_.get());
}

Pki::Pki(std::string folder, const std::string& name, Pki& above)
    : folder_(std::move(folder)), key_(new_key(false)), is_root_(false) {
  authority_ = above.make({name, "", false, 3650}, key_.get());
  add_extension(authority_.get(), above.authority_.get(), NID_basic_constraints,
                "critical,CA:TRUE");
  X509_sign(authority_.get(), above.key_.get(), EVP_sha256());
  cafile_ = write(name, nullptr, authority_.get());
}

pki::X509Ptr Pki::make(const Wish& wish, EVP_PKEY* key) {
  pki::X509Ptr made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial_++);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -60 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), wish.days * kDay + 3600);
  X509_set_pubkey(made.get(), key);
  X509_NAME* subject = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>("Plant"), -1, -1, 0);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1,
                             -1, 0);
  X509* issuer = authority_ ? authority_.get() : made.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
  if (!wish.alternative_names.empty()) {
    add_extension(made.get(), issuer, NID_subject_alt_name, wish.alternative_names);
  }
  return made;
}

Pki::Issued Pki::issue(const std::string& name, const Wish& wish) {
  const pki::KeyPtr key = new_key(wish.rsa);
  const pki::X509Ptr made = make(wish, key.get());
  X509_sign(made.get(), key_.get(), EVP_sha256());
  return {write(name, key, made.get()), folder_ + "/" + name + ".key"};
}

std::string Pki::write(const std::string& name, const pki::KeyPtr& key, X509* certificate) {
  const std::string base = folder_ + "/" + name;
  const bool chained = !is_root_ && certificate != authority_.get();
  to_file(base + ".pem", [&](FILE* file) {
    if (PEM_write_X509(file, certificate) != 1) return 0;
    return chained ? PEM_write_X509(file, authority_.get()) : 1;
  });
  if (key) {
    to_file(base + ".key", [&](FILE* file) {
      return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  return base + ".pem";
}

std::string Pki::revoke(const std::string& name, const std::vector<std::string>& certfiles,
                        long days, long age_days) {
  const pki::CrlPtr list(X509_CRL_new());
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(authority_.get()));
  const std::unique_ptr<ASN1_TIME, pki::Freed<ASN1_TIME_free>> time(
      X509_gmtime_adj(nullptr, -age_days * kDay));
  X509_CRL_set1_lastUpdate(list.get(), time.get());
  for (const std::string& certfile : certfiles) {
    const auto certificates = pki::read_certificates({"certfile", certfile});
    X509_REVOKED* one = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(one, X509_get_serialNumber(certificates.value()[0].get()));
    X509_REVOKED_set_revocationDate(one, time.get());
    X509_CRL_add0_revoked(list.get(), one);
  }
  X509_gmtime_adj(time.get(), days * kDay + 3600);
  X509_CRL_set1_nextUpdate(list.get(), time.get());
  X509_CRL_sign(list.get(), key_.get(), EVP_sha256());
  const std::string path = folder_ + "/" + name + ".pem";
  to_file(path, [&](FILE* file) { return PEM_write_X509_CRL(file, list.get()); });
  return path;
}

}  // namespace tandemq::test
