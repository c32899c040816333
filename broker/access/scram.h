// The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677): messages as text, no clock, no
// randomness, no I/O. A log-in is three HMACs and a hash, whatever the iterations: those are the
// client's work.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "broker/access/claims.h"

namespace tandemq::broker {

constexpr std::string_view kScramMethod = "SCRAM-SHA-256";
constexpr int kScramIterationsMin = 4096;       // RFC 7677 section 4
constexpr std::size_t kScramKeySize = 32;       // bytes
constexpr std::size_t kScramSaltMax = 64;       // bytes
constexpr std::size_t kScramMessageMax = 2048;  // bytes of a client's
constexpr std::size_t kScramClientNonceMax = 256;

// What is kept of a password: it proves to a client that we know it, and checks the client's proof,
// but does not let whoever reads it log in.
struct ScramVerifier {
  int iterations = 0;
  std::string salt;
  std::string stored_key;  // kScramKeySize, as the next
  std::string server_key;
  bool operator==(const ScramVerifier&) const = default;
};

// Takes its time, by the iterations: not on the loop.
ScramVerifier scram_verifier(std::string_view password, std::string salt, int iterations);

// Of whom nobody knows: no password fits it. The same for the same name and secret, so that asking
// twice does not tell it from one that is kept.
ScramVerifier scram_verifier_of_nobody(std::string_view user, std::string_view secret,
                                       int iterations);

// Names and passwords are printable ASCII, which SASLprep (RFC 4013) leaves as it is: whether a
// client prepares others, and by which Unicode, cannot be known.
bool is_scram_text(std::string_view text);

// client-first-message.
struct ScramFirst {
  std::string user;
  std::string nonce;   // the client's
  std::string header;  // gs2-header, which the client says again at the end
  std::string bare;    // client-first-message-bare
};
// `out` is filled only when it is taken.
Refusal read_scram_first(std::string_view message, ScramFirst& out);

// One exchange, from the client's first message on.
class ScramServer {
 public:
  // `nonce`: ours, printable and without commas, never used before.
  ScramServer(ScramFirst first, std::string_view nonce, ScramVerifier verifier);

  // server-first-message.
  const std::string& challenge() const { return challenge_; }
  // client-final-message: null when it proves the password.
  Refusal check(std::string_view message);
  // server-final-message, once the client has proven it.
  std::string signature() const;

  const std::string& user() const { return first_.user; }
  const ScramVerifier& verifier() const { return verifier_; }

 private:
  ScramFirst first_;
  std::string nonce_;  // of both
  ScramVerifier verifier_;
  std::string challenge_;
  std::string exchanged_;  // AuthMessage; empty: nothing is proven
};

}  // namespace tandemq::broker
