// The files of TLS listeners and how long they are good: told at start, at reload and once a day.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "broker/config/config.h"
#include "broker/net/fronts.h"

namespace tandemq::broker {

inline constexpr std::int64_t kSecondsPerDay = 86'400;

// What of the listeners' sections is net::Fronts'.
std::vector<net::Fronts::Listener> fronts_of(const std::vector<ListenerSection>& listeners);

// Whole days; below 0 it is out of date.
std::int64_t days_left(const net::CertificateNote& note, TimeMs now);

// What is wrong with it at that time, and what to do, as a sentence; empty: nothing.
std::string doubt_about(const net::ListenerNote& one, TimeMs now);

// A line for each file, a warning where there is a doubt.
void tell_expiry(const std::vector<net::ListenerNote>& notes);

// For --check: reads the files that the listeners name, and gives the doubts.
Result<std::vector<std::string>> check_certificates(const Config& config);

}  // namespace tandemq::broker
