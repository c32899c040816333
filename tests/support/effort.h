// How much of a long test runs: all of it, or every kThinned-th of its trials where a sanitizer
// makes each several times as dear and what it looks for shows in a few.
#pragma once

namespace tandemq::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr unsigned kThinned = 5;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr unsigned kThinned = 5;
#else
inline constexpr unsigned kThinned = 1;
#endif
#else
inline constexpr unsigned kThinned = 1;
#endif

}  // namespace tandemq::test
