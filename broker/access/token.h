// JSON Web Tokens (RFC 7519) in the compact form of RFC 7515. Pure but for the work: the time comes
// with the call. Checking one takes its time: not on the loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/access/claims.h"
#include "broker/access/key_set.h"
#include "broker/config/sections.h"

namespace tandemq::broker {

constexpr std::size_t kTokenBytesMax = 16 << 10;

// What might be one and no password: of two, for listeners that take both.
bool looks_like_token(std::string_view text);

// `now_s`: Unix time.
Refusal check_token(std::string_view token, const KeySet& keys, const TokenSection& rules,
                    std::int64_t now_s, Claims& out);

// The second half, for tests and fuzzing: `payload` is of a token whose signature is good.
Refusal judge_claims(std::string_view payload, const TokenSection& rules, std::int64_t now_s,
                     Claims& out);

}  // namespace tandemq::broker
