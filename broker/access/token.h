// JSON Web Tokens (RFC 7519) in the compact form of RFC 7515. Pure but for the work: the time comes
// with the call. Checking one takes its time: not on the loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker/access/acl.h"
#include "broker/access/key_set.h"
#include "broker/config/sections.h"

namespace tandemq::broker {

constexpr std::size_t kTokenBytesMax = 16 << 10;
constexpr std::size_t kRightsMax = 256;  // rules of one token: each is asked for every message

// What a good token says.
struct Claims {
  std::string username;
  std::shared_ptr<const Acl> rights;  // null: it says nothing about them
  std::uint32_t lasts_s = 0;          // from now on; 0: without end
  std::string key;                    // fingerprint of that which it is signed with
};

// Why a token is not taken: a text of ours, none of the token's. Null: it is good.
using Refusal = const char*;

// What might be one and no password: of two, for listeners that take both.
bool looks_like_token(std::string_view text);

// `now_s`: Unix time.
Refusal check_token(std::string_view token, const KeySet& keys, const TokenSection& rules,
                    std::int64_t now_s, Claims& out);

// The second half, for tests and fuzzing: `payload` is of a token whose signature is good.
Refusal judge_claims(std::string_view payload, const TokenSection& rules, std::int64_t now_s,
                     Claims& out);

}  // namespace tandemq::broker
