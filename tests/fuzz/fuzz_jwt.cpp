// Tokens, their claims and key sets, as whoever comes in or issues keys may write them. The first
// byte chooses which.
#include <cstdlib>
#include <string_view>

#include "broker/access/token.h"

using namespace tandemq;
using namespace tandemq::broker;

namespace {

constexpr std::int64_t kNow = 1'700'000'000;

const KeySet& keys() {
  static const KeySet set = *KeySet::parse(
      R"({"keys":[{"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]})", "keys.json");
  return set;
}

// Who is let in has a name and an end.
void expect_sound(Refusal refused, const Claims& claims) {
  if (!refused && (claims.username.empty() || !claims.rights)) std::abort();
  if (!refused && claims.rights) claims.rights->grants("c", claims.username)->may_receive("a/b");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  if (all.empty()) return 0;
  TokenSection rules;
  rules.rights_claim = "acl";
  Claims claims;
  const std::string_view rest = all.substr(1);
  if (all[0] == 'k') {
    const Result<KeySet> set = KeySet::parse(rest, "keys.json");
    if (set && set->keys().empty()) std::abort();
  } else if (all[0] == 'c') {
    expect_sound(judge_claims(rest, rules, kNow, claims), claims);
  } else {
    expect_sound(check_token(rest, keys(), rules, kNow, claims), claims);
  }
  return 0;
}
