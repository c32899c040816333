#include "broker/pki/issue.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "broker/base/exit_code.h"
#include "broker/pki/node_name.h"

namespace tandemq::pki {
namespace {

constexpr long kSecondsPerDay = 86'400;
constexpr long kBegunS = -3'600;  // hosts whose clocks are a little behind take it at once
constexpr int kSerialBits = 127;

Error no_luck() {
  return {"OpenSSL cannot make it: " + openssl_reason(), kExitEnvironment};
}

bool give_serial(X509* certificate) {
  const std::unique_ptr<BIGNUM, Freed<BN_free>> number(BN_new());
  return number && BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool extend(X509* certificate, X509* issuer, int kind, const std::string& text) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, text.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// Without issuer, extensions and signature.
Result<KeyAndCertificate> begin(const std::string& common_name, int days) {
  KeyAndCertificate made{KeyPtr(EVP_EC_gen("P-256")), X509Ptr(X509_new())};
  if (!made.key || !made.certificate) return no_luck();
  X509* const it = made.certificate.get();
  X509_NAME* const subject = X509_get_subject_name(it);
  const bool good =
      X509_set_version(it, X509_VERSION_3) == 1 && give_serial(it) &&
      X509_gmtime_adj(X509_getm_notBefore(it), kBegunS) != nullptr &&
      X509_time_adj_ex(X509_getm_notAfter(it), days, 0, nullptr) != nullptr &&
      X509_set_pubkey(it, made.key.get()) == 1 &&
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(common_name.c_str()), -1,
                                 -1, 0) == 1;
  if (!good) return no_luck();
  return made;
}

template <class Object, class Write>
std::string pem_of(Object object, Write write) {
  const std::unique_ptr<BIO, Freed<BIO_free>> out(BIO_new(BIO_s_mem()));
  write(out.get(), object);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace

Result<KeyAndCertificate> make_authority(const std::string& pair_id, int days) {
  ERR_clear_error();
  // A common name has 64 characters at most; the whole name is the alternative one.
  Result<KeyAndCertificate> made =
      begin("TandeMQ pair " + node_uri(pair_id, "").substr(10, 40), days);
  if (!made) return made;
  X509* const it = made->certificate.get();
  const bool good = X509_set_issuer_name(it, X509_get_subject_name(it)) == 1 &&
                    extend(it, it, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                    extend(it, it, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                    extend(it, it, NID_subject_key_identifier, "hash") &&
                    extend(it, it, NID_subject_alt_name, "URI:" + node_uri(pair_id, "")) &&
                    X509_sign(it, made->key.get(), EVP_sha256()) > 0;
  if (!good) return no_luck();
  return made;
}

std::string pair_of(const X509* authority) {
  for (std::string& uri : uris_in(authority)) {
    if (uri.starts_with("tandemq://") && uri.find('/', 10) == uri.size() - 1) return std::move(uri);
  }
  return {};
}

Result<KeyAndCertificate> issue_for(const KeyAndCertificate& authority, const std::string& node,
                                    int days) {
  ERR_clear_error();
  X509* const above = authority.certificate.get();
  const std::string pair = pair_of(above);
  if (pair.empty()) {
    return Error{"the authority is not one of a pair: make one with `tandemqctl pki init`",
                 kExitConfiguration};
  }
  Result<KeyAndCertificate> made = begin("TandeMQ node " + node_uri("", node).substr(11, 40), days);
  if (!made) return made;
  X509* const it = made->certificate.get();
  const std::string uri = pair + node_uri("", node).substr(11);
  bool good = X509_set_issuer_name(it, X509_get_subject_name(above)) == 1 &&
              extend(it, above, NID_basic_constraints, "critical,CA:FALSE") &&
              extend(it, above, NID_key_usage, "critical,digitalSignature") &&
              extend(it, above, NID_ext_key_usage, "serverAuth,clientAuth") &&
              extend(it, above, NID_subject_key_identifier, "hash") &&
              extend(it, above, NID_authority_key_identifier, "keyid") &&
              extend(it, above, NID_subject_alt_name, "URI:" + uri);
  const ASN1_TIME* const end = X509_get0_notAfter(above);
  if (good && ASN1_TIME_compare(X509_get0_notAfter(it), end) > 0) {
    good = X509_set1_notAfter(it, end) == 1;
  }
  if (!good || X509_sign(it, authority.key.get(), EVP_sha256()) <= 0) return no_luck();
  return made;
}

std::string to_pem(const EVP_PKEY* key) {
  return pem_of(key, [](BIO* out, const EVP_PKEY* one) {
    PEM_write_bio_PrivateKey(out, one, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string to_pem(X509* certificate) {
  return pem_of(certificate, [](BIO* out, X509* one) { PEM_write_bio_X509(out, one); });
}

}  // namespace tandemq::pki
