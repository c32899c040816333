#include "broker/shell/expiry.h"

#include "broker/support/log.h"
#include "broker/support/turn.h"

namespace tandemq::broker {
namespace {

constexpr std::int64_t kWarnDays = 14;  // enough for the slowest of renewals

const char* what_follows(const CertificateUse& one) {
  const std::string& kind = one.note.kind;
  if (one.listener.empty()) {
    return kind == "ca"
               ? "then neither node is let in by the other: issue both certificates anew "
                 "with another (`tandemqctl pki init`)"
               : "then the peer does not let this node in: renew it (`tandemqctl pki issue`)";
  }
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

repl::LinkTls link_tls_of(const Config& config) {
  const repl::ReplicatorConfig& pair = config.replication;
  return repl::LinkTls(pair.single ? repl::LinkTlsFiles{} : pair.tls, pair.pair_id, pair.node_name,
                       pair.peer_name);
}

std::vector<CertificateUse> uses_of(const net::Fronts& fronts, const repl::LinkTls& link) {
  std::vector<CertificateUse> uses;
  for (net::ListenerNote& one : fronts.notes()) {
    uses.push_back({std::move(one.listener), std::move(one.note)});
  }
  for (const pki::CertificateNote& one : link.notes()) uses.push_back({"", one});
  return uses;
}

std::int64_t days_left(const pki::CertificateNote& note, TimeMs now) {
  const std::int64_t seconds = note.not_after_s - static_cast<std::int64_t>(now / 1000);
  return seconds >= 0 ? seconds / kSecondsPerDay : -1 - (-seconds - 1) / kSecondsPerDay;
}

std::string doubt_about(const CertificateUse& one, TimeMs now) {
  const std::int64_t days = days_left(one.note, now);
  const std::string file =
      one.note.kind + " " + one.note.file +
      (one.listener.empty() ? " of the replication link" : " of listener " + one.listener);
  const std::string then = std::string("; ") + what_follows(one) + ", then `tandemqctl reload`";
  if (!one.note.begun) {
    return file + " is not valid yet: set this host's clock, or name a file that is";
  }
  // A revocation list is made for days; its owner renews it by the hour.
  if (days < 0) return file + " is out of date since " + std::to_string(-days) + " days" + then;
  if (one.note.kind == "crl" || days >= kWarnDays) return {};
  return file + " is good for " + std::to_string(days) + " more days" + then;
}

void tell_expiry(const std::vector<CertificateUse>& uses) {
  const TimeMs now = wall_ms();
  for (const CertificateUse& one : uses) {
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
  repl::LinkTls link = link_tls_of(config);
  Status loaded = fronts.load();
  if (loaded) loaded = link.load();
  if (!loaded) return loaded.error();
  std::vector<std::string> doubts;
  for (const CertificateUse& one : uses_of(fronts, link)) {
    std::string doubt = doubt_about(one, now);
    if (!doubt.empty()) doubts.push_back(std::move(doubt));
  }
  return doubts;
}

}  // namespace tandemq::broker
