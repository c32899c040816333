// TMQ_CHECK: an invariant of ours. When it breaks the process stops and the other node takes over;
// never continue on a state that is known to be wrong. The test beds look for `invariant_broken`
// (tests/support/crash.py).
#pragma once

#include <cstdio>
#include <cstdlib>

#include "broker/base/last_words.h"

namespace tandemq {

[[noreturn]] inline void check_failed(const char* what, const char* file, int line) {
  char text[512];
  std::snprintf(text, sizeof text, "level=fatal event=invariant_broken what=\"%s\" at=%s:%d", what,
                file, line);
  last_words(text);
  std::abort();
}

}  // namespace tandemq

#define TMQ_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::tandemq::check_failed(#condition, __FILE__, __LINE__))
