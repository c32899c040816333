// Messages of SCRAM and entries of password files, as whoever comes in may write them. The first
// byte chooses which. No bytes may prove a password that nobody has.
#include <cstdlib>
#include <string_view>

#include "broker/access/password_file.h"
#include "broker/access/scram.h"

using namespace tandemq;
using namespace tandemq::broker;

namespace {

void try_first(std::string_view message) {
  ScramFirst first;
  if (read_scram_first(message, first)) {
    if (!first.user.empty()) std::abort();
    return;
  }
  if (first.user.empty() || first.nonce.empty() || first.header + first.bare != message)
    std::abort();
  ScramServer server(first, "nonce", scram_verifier_of_nobody(first.user, "secret", 4096));
  if (!server.challenge().starts_with("r=" + first.nonce + "nonce,s=")) std::abort();
}

void try_final(std::string_view message) {
  static const ScramVerifier nobody = scram_verifier_of_nobody("user", "secret", 4096);
  ScramFirst first;
  if (read_scram_first("n,,n=user,r=theirs", first)) std::abort();
  ScramServer server(first, "ours", nobody);
  if (!server.check(message)) std::abort();
}

// What is read is within its bounds.
void try_entry(std::string_view text) {
  const Result<PasswordHash> entry = PasswordFile::parse_entry(text);
  if (!entry || !entry->is_scram()) return;
  if (entry->hash.size() != kScramKeySize || entry->server_key.size() != kScramKeySize ||
      entry->iterations < kScramIterationsMin || entry->salt.empty())
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  if (all.empty()) return 0;
  const std::string_view rest = all.substr(1);
  if (all[0] == 'f') {
    try_final(rest);
  } else if (all[0] == 'e') {
    try_entry(rest);
  } else {
    try_first(rest);
  }
  return 0;
}
