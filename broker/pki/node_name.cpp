#include "broker/pki/node_name.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

#include "broker/pki/pem.h"

namespace tandemq::pki {
namespace {

constexpr std::size_t kShownMax = 200;  // characters of what a stranger may have written

bool stands_for_itself(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

std::string escaped(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (stands_for_itself(c)) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

}  // namespace

std::string node_uri(std::string_view pair_id, std::string_view node) {
  return "tandemq://" + escaped(pair_id) + "/" + escaped(node);
}

std::vector<std::string> uris_in(const X509* certificate) {
  std::vector<std::string> out;
  const std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* one = sk_GENERAL_NAME_value(names.get(), i);
    if (one->type != GEN_URI) continue;
    const ASN1_IA5STRING* text = one->d.uniformResourceIdentifier;
    out.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<std::size_t>(ASN1_STRING_length(text)));
  }
  return out;
}

bool names_node(const X509* certificate, const std::string& uri) {
  const std::vector<std::string> uris = uris_in(certificate);
  return std::find(uris.begin(), uris.end(), uri) != uris.end();
}

std::string nodes_in(const X509* certificate) {
  std::string out;
  for (const std::string& uri : uris_in(certificate)) out += (out.empty() ? "" : ", ") + uri;
  if (out.empty()) return "no node";
  if (out.size() > kShownMax) out.resize(kShownMax);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out;
}

}  // namespace tandemq::pki
