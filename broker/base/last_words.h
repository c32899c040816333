// A line on standard error from where no log is: from another thread, or right before the end of
// the process. Never waits: where nobody reads (a full pipe, a journald that stands still) the line
// is given up, so that the process ends all the same.
#pragma once

#include <string_view>

namespace tandemq {

// `line` has no newline.
void last_words(std::string_view line);

}  // namespace tandemq
