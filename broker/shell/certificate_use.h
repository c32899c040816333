// A certificate, authority or revocation list, and what goes by it.
#pragma once

#include <string>

#include "broker/pki/pem.h"

namespace tandemq::broker {

struct CertificateUse {
  std::string listener;  // empty: the replication link
  pki::CertificateNote note;
};

}  // namespace tandemq::broker
