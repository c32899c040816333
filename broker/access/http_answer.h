// What a web server is asked about a log-in, and what its answer means (docs/configuration.md,
// "A server that is asked"). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/access/authenticator.h"
#include "broker/access/claims.h"

namespace tandemq::broker {

constexpr std::size_t kHttpAnswerBytesMax = 64 << 10;
// Of client identifier, user name and password together: whoever has not logged in makes work.
constexpr std::size_t kHttpLoginBytesMax = 16 << 10;

// Whom the client comes from, without its port or process: of "10.0.0.1:50000", "[fd00::1]:50000",
// "unix:uid-1,pid-2".
std::string_view host_of(std::string_view address);

// The body of the POST, a JSON object. Bytes that are no UTF-8 are replaced in the password, as no
// JSON can carry them.
std::string question_of(const Credentials& who, std::string_view listener);

enum class Word : std::uint8_t { allowed, refused, unclear };

struct HttpAnswer {
  Word word = Word::unclear;
  // Of one that is not allowed. Of an unclear one it is what the server does wrong.
  Refusal why = "it was not asked";
  Claims claims;          // of one that is allowed
  bool reached = true;    // the server said something, whatever it was
  std::size_t bytes = 0;  // of the answer
};

// `status`: of HTTP. Whatever is not clearly a yes is none. `with_header`: a 401 may be about that.
HttpAnswer read_answer(long status, std::string_view body, std::string_view username,
                       bool with_header = false);

}  // namespace tandemq::broker
