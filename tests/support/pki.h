// Certificates for tests: an authority that issues what is asked for, into a folder of files.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/pki/pem.h"

namespace tandemq::test {

class Pki {
 public:
  struct Wish {
    std::string common_name;
    std::string alternative_names;  // as OpenSSL writes them: "DNS:a.example,email:b@c"
    bool rsa = false;
    long days = 30;  // negative: is over
  };
  struct Issued {
    std::string certfile, keyfile;
  };

  // The authority's own certificate is `folder`/`name`.pem.
  Pki(std::string folder, const std::string& name);
  // An authority below another one, whose certificate comes with each that it issues.
  Pki(std::string folder, const std::string& name, Pki& above);
  Issued issue(const std::string& name, const Wish& wish);
  // A list of these, made so long ago and good for so long from now; returns its file.
  std::string revoke(const std::string& name, const std::vector<std::string>& certfiles,
                     long days = 30, long age_days = 60);
  const std::string& cafile() const { return cafile_; }

 private:
  std::string write(const std::string& name, const pki::KeyPtr& key, X509* certificate);
  pki::X509Ptr make(const Wish& wish, EVP_PKEY* key);

  std::string folder_, cafile_;
  pki::KeyPtr key_;
  pki::X509Ptr authority_;
  bool is_root_ = true;
  long serial_ = 1;
};

}  // namespace tandemq::test
