#include "broker/net/tls_name.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

#include "broker/pki/pem.h"

namespace tandemq::net {
namespace {

std::string utf8_of(const ASN1_STRING* text) {
  unsigned char* bytes = nullptr;
  const int size = ASN1_STRING_to_UTF8(&bytes, text);  // refuses what is not in its encoding
  if (size < 0) return {};
  std::string out(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return out;
}

std::string common_name(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  return utf8_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

std::string alternative_name(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, pki::Freed<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* one = sk_GENERAL_NAME_value(names.get(), i);
    if (one->type == GEN_EMAIL || one->type == GEN_DNS || one->type == GEN_URI) {
      return utf8_of(one->d.ia5);
    }
  }
  return {};
}

std::string subject(const X509* certificate) {
  const std::unique_ptr<BIO, pki::Freed<BIO_free>> out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0,
                     XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string raw_name(const X509* certificate, CertificateName which) {
  switch (which) {
    case CertificateName::none:
      return {};
    case CertificateName::common_name:
      return common_name(certificate);
    case CertificateName::alternative_name:
      return alternative_name(certificate);
    case CertificateName::subject:
      return subject(certificate);
  }
  return {};
}

}  // namespace

std::string name_in(const X509* certificate, CertificateName which) {
  std::string name = raw_name(certificate, which);
  const bool usable =
      name.size() <= kCertificateNameMax && std::none_of(name.begin(), name.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
      });
  return usable ? name : std::string();
}

}  // namespace tandemq::net
