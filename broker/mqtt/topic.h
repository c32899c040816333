// Topic names and filters (5.0 section 4.7 and 4.8, 3.1.1 section 4.7).
#pragma once

#include <string_view>

namespace tandemq::mqtt {

// UTF-8 without surrogates and without U+0000 ([MQTT-1.5.4-1], [MQTT-1.5.4-2]).
bool valid_utf8(std::string_view s);

// A name to publish to: 1 to 65535 bytes, no wildcard. UTF-8 is checked by the decoder.
bool valid_topic_name(std::string_view topic);

// A filter to subscribe to, `$share/name/filter` included.
bool valid_topic_filter(std::string_view filter);

bool has_wildcard(std::string_view filter);

// `filter` without share prefix. Filters that begin with a wildcard do not match names that begin
// with $ ([MQTT-4.7.2-1]).
bool topic_matches(std::string_view filter, std::string_view topic);

// Splits "$share/group/filter" into group and filter; group is empty for an ordinary filter.
struct SharedFilter {
  std::string_view group;
  std::string_view filter;
};
SharedFilter split_shared(std::string_view filter);

}  // namespace tandemq::mqtt
