#include "broker/shell/expiry.h"

#include "broker/support/log.h"
#include "broker/support/turn.h"

namespace tandemq::broker {
namespace {

constexpr std::int64_t kWarnDays = 14;  // enough for the slowest of renewals

const char* what_follows(const std::string& kind) {
  if (kind == "crl") {
    return "whom it names is still refused, whoever was revoked since is not: fetch a new list";
  }
  if (kind == "ca") return "clients with certificates of this authority are refused: replace it";
  return "clients refuse the connection: renew it";
}

}  // namespace

std::vector<net::Fronts::Listener> fronts_of(const std::vector<ListenerSection>& listeners) {
  std::vector<net::Fronts::Listener> fronts;
  for (const ListenerSection& one : listeners)
    fronts.push_back({one.name, one.tls, one.web, one.proxy});
  return fronts;
}

std::int64_t days_left(const net::CertificateNote& note, TimeMs now) {
  const std::int64_t seconds = note.not_after_s - static_cast<std::int64_t>(now / 1000);
  return seconds >= 0 ? seconds / kSecondsPerDay : -1 - (-seconds - 1) / kSecondsPerDay;
}

std::string doubt_about(const net::ListenerNote& one, TimeMs now) {
  const std::int64_t days = days_left(one.note, now);
  const std::string file = one.note.kind + " " + one.note.file + " of listener " + one.listener;
  const std::string then =
      std::string("; ") + what_follows(one.note.kind) + ", then `tandemqctl reload`";
  if (!one.note.begun) {
    return file + " is not valid yet: set this host's clock, or name a file that is";
  }
  // A revocation list is made for days; its owner renews it by the hour.
  if (days < 0) return file + " is out of date since " + std::to_string(-days) + " days" + then;
  if (one.note.kind == "crl" || days >= kWarnDays) return {};
  return file + " is good for " + std::to_string(days) + " more days" + then;
}

void tell_expiry(const std::vector<net::ListenerNote>& notes) {
  const TimeMs now = wall_ms();
  for (const net::ListenerNote& one : notes) {
    const std::string doubt = doubt_about(one, now);
    log(doubt.empty() ? LogLevel::info : LogLevel::warning,
        doubt.empty() ? "certificate" : "certificate_expires",
        {{"listener", one.listener},
         {"kind", one.note.kind},
         {"file", one.note.file},
         {"subject", one.note.subject},
         {"days_left", days_left(one.note, now)},
         {"reason", doubt}});
  }
}

Result<std::vector<std::string>> check_certificates(const Config& config) {
  const TimeMs now = wall_ms();
  net::Fronts fronts({nullptr, {}, {}, config.tls.ticket_secret_file}, fronts_of(config.listeners));
  const Status loaded = fronts.load();
  if (!loaded) return loaded.error();
  std::vector<std::string> doubts;
  for (const net::ListenerNote& one : fronts.notes()) {
    std::string doubt = doubt_about(one, now);
    if (!doubt.empty()) doubts.push_back(std::move(doubt));
  }
  return doubts;
}

}  // namespace tandemq::broker
