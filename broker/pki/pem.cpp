#include "broker/pki/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <filesystem>

#include "broker/base/exit_code.h"
#include "broker/support/text_file.h"

namespace tandemq::pki {
namespace {

using BioPtr = std::unique_ptr<BIO, Freed<BIO_free>>;

BioPtr bio_of(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Result<std::string> read(const PemFile& file) {
  Result<std::string> text = read_text_file(file.path);
  if (text) return text;
  return bad_file(file, "cannot be read: " + text.error().message +
                            "; name a file that the broker's user may read");
}

constexpr std::int64_t kNever = 253'402'300'799;  // the end of the year 9999, as RFC 5280 has it

// Without a terminal to ask at.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

std::string one_line(const X509_NAME* name) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

// All objects of one kind in the file; the end of it is no error to OpenSSL's memory of errors.
template <class Ptr, auto Read>
Result<std::vector<Ptr>> read_all(const PemFile& file, const char* what, const char* remedy) {
  const Result<std::string> text = read(file);
  if (!text) return text.error();
  const BioPtr bio = bio_of(*text);
  std::vector<Ptr> all;
  while (auto* one = Read(bio.get(), nullptr, no_passphrase, nullptr)) all.emplace_back(one);
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = openssl_reason();
  if (!at_end) return bad_file(file, "is damaged (" + reason + "); " + remedy);
  if (all.empty()) return bad_file(file, std::string("holds no ") + what + " in PEM; " + remedy);
  return all;
}

}  // namespace

std::int64_t unix_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return kNever;
  return timegm(&parts);
}

std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  const char* text = ERR_reason_error_string(code);
  return text ? text : "error " + std::to_string(code);
}

Error bad_file(const PemFile& file, const std::string& what) {
  return {file.key + " " + file.path + " " + what, kExitConfiguration};
}

Result<std::vector<PemFile>> pem_files(const PemFile& file_or_folder) {
  std::vector<PemFile> out;
  std::error_code error;
  if (!std::filesystem::is_directory(file_or_folder.path, error))
    return std::vector{file_or_folder};
  std::filesystem::directory_iterator in(file_or_folder.path, error);
  for (; !error && in != std::filesystem::directory_iterator(); in.increment(error)) {
    if (in->is_regular_file(error)) out.push_back({file_or_folder.key, in->path().string()});
  }
  if (error) return bad_file(file_or_folder, "cannot be read: " + error.message());
  std::sort(out.begin(), out.end(),
            [](const PemFile& a, const PemFile& b) { return a.path < b.path; });
  return out;
}

Result<std::vector<X509Ptr>> read_certificates(const PemFile& file) {
  return read_all<X509Ptr, PEM_read_bio_X509>(
      file, "certificate", "it must hold certificates between BEGIN and END CERTIFICATE");
}

Result<std::vector<CrlPtr>> read_revocation_lists(const PemFile& file) {
  return read_all<CrlPtr, PEM_read_bio_X509_CRL>(file, "revocation list",
                                                 "make it with `openssl ca -gencrl -out FILE`");
}

Result<KeyPtr> read_private_key(const PemFile& file) {
  const Result<std::string> text = read(file);
  if (!text) return text.error();
  KeyPtr key(PEM_read_bio_PrivateKey(bio_of(*text).get(), nullptr, no_passphrase, nullptr));
  if (key) return key;
  ERR_clear_error();
  if (text->find("ENCRYPTED") != std::string::npos) {
    return bad_file(file,
                    "is locked by a passphrase, which nobody can type at a start; write it open "
                    "with `openssl pkey -in FILE -out NEW` and let only the broker's user read it");
  }
  return bad_file(file, "holds no private key in PEM");
}

CertificateNote note_of(const PemFile& file, const char* kind, X509* certificate) {
  return {file.path, kind, one_line(X509_get_subject_name(certificate)),
          unix_time(X509_get0_notAfter(certificate)),
          X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0};
}

CertificateNote note_of(const PemFile& file, X509_CRL* list) {
  return {file.path, "crl", one_line(X509_CRL_get_issuer(list)),
          unix_time(X509_CRL_get0_nextUpdate(list)),
          X509_cmp_current_time(X509_CRL_get0_lastUpdate(list)) < 0};
}

}  // namespace tandemq::pki
