#include "tests/sim/clock.h"

#include <cstdio>

namespace tandemq::sim {

void Trace::line(TimeUs now, const std::string& text) {
  if (tee) tee(text);
  char stamp[32];
  std::snprintf(stamp, sizeof stamp, "%8llu.%03llu ms  ",
                static_cast<unsigned long long>(now / kMs),
                static_cast<unsigned long long>(now % kMs));
  const std::string all = stamp + text;
  if (print) std::printf("%s\n", all.c_str());
  lines_.push_back(all);
  if (lines_.size() > 2 * kept) {
    lines_.erase(lines_.begin(), lines_.end() - static_cast<std::ptrdiff_t>(kept));
  }
}

}  // namespace tandemq::sim
