// Topic functions against each other and against a plain recursive matcher. The input is a filter,
// a line feed and a topic name.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/base/check.h"
#include "broker/mqtt/topic.h"

namespace {

using namespace tandemq::mqtt;

// Section 4.7 said once more, level by level.
bool matches_plainly(std::string_view filter, std::string_view topic) {
  if (filter == "#") return true;
  const std::size_t filter_end = filter.find('/');
  const std::size_t topic_end = topic.find('/');
  const std::string_view wanted = filter.substr(0, filter_end);
  if (wanted != "+" && wanted != topic.substr(0, topic_end)) return false;
  const bool filter_ends = filter_end == std::string_view::npos;
  const bool topic_ends = topic_end == std::string_view::npos;
  if (topic_ends) return filter_ends || filter.substr(filter_end + 1) == "#";
  return !filter_ends &&
         matches_plainly(filter.substr(filter_end + 1), topic.substr(topic_end + 1));
}

// Decodes to code points, as slowly and plainly as it can be said.
bool utf8_plainly(std::string_view s) {
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  for (std::size_t i = 0; i < s.size();) {
    const auto lead = static_cast<std::uint8_t>(s[i]);
    const std::size_t size = lead < 0x80   ? 1
                             : lead < 0xc0 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf8 ? 4
                                           : 0;
    if (size == 0 || i + size > s.size()) return false;
    std::uint32_t point = size == 1 ? lead : lead & (0x7fu >> size);
    for (std::size_t k = 1; k < size; ++k) {
      const auto next = static_cast<std::uint8_t>(s[i + k]);
      if (next >> 6 != 2) return false;
      point = point << 6 | (next & 0x3f);
    }
    if (point == 0 || point < smallest[size] || point > 0x10ffff) return false;
    if (point >= 0xd800 && point <= 0xdfff) return false;
    i += size;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const std::size_t split = in.find('\n');
  const std::string_view filter = in.substr(0, split);
  const std::string_view topic =
      split == std::string_view::npos ? std::string_view{} : in.substr(split + 1);
  TMQ_CHECK(valid_utf8(in) == utf8_plainly(in));
  if (!valid_topic_filter(filter)) return 0;
  const SharedFilter shared = split_shared(filter);
  TMQ_CHECK(shared.group.empty() == !filter.starts_with("$share/"));
  if (!valid_topic_name(topic)) return 0;
  const bool hidden = topic[0] == '$' && shared.filter[0] != '$';
  TMQ_CHECK(topic_matches(shared.filter, topic) ==
            (!hidden && matches_plainly(shared.filter, topic)));
  return 0;
}
