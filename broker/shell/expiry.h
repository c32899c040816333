// The files of TLS listeners and of the replication link, and how long they are good: told at
// start, at reload and once a day.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "broker/config/config.h"
#include "broker/net/fronts.h"
#include "broker/shell/certificate_use.h"
#include "replicator/shell/link_tls.h"

namespace tandemq::broker {

inline constexpr std::int64_t kSecondsPerDay = 86'400;

// What of the listeners' sections is net::Fronts'.
std::vector<net::Fronts::Listener> fronts_of(const std::vector<ListenerSection>& listeners);

// Not loaded yet; off where there is no peer.
repl::LinkTls link_tls_of(const Config& config);

// What was read last.
std::vector<CertificateUse> uses_of(const net::Fronts& fronts, const repl::LinkTls& link);

// Whole days; below 0 it is out of date.
std::int64_t days_left(const pki::CertificateNote& note, TimeMs now);

// What is wrong with it at that time, and what to do, as a sentence; empty: nothing.
std::string doubt_about(const CertificateUse& one, TimeMs now);

// A line for each file, a warning where there is a doubt.
void tell_expiry(const std::vector<CertificateUse>& uses);

// For --check: reads the files that listeners and link name, and gives the doubts.
Result<std::vector<std::string>> check_certificates(const Config& config);

}  // namespace tandemq::broker
