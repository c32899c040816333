#include "failover/shell/report_codec.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "failover/shell/status_parse.h"

namespace tandemq::failover {
namespace {

using nlohmann::json;

constexpr std::size_t kMacSize = 32;
constexpr int kVersion = 1;  // raised only when older readers cannot go on

std::string mac_of(std::string_view text, const std::string& secret) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  return std::string(reinterpret_cast<char*>(mac), size);
}

json stamp(const Stamp& s) {
  return json::array({s.boot, s.seq});
}
Stamp stamp(const json& j) {
  return {j.at(0).get<std::uint64_t>(), j.at(1).get<std::uint64_t>()};
}

json broker_part(const Report& r) {
  return {{"known", r.broker_known},   {"alive", r.broker_alive},
          {"role", to_string(r.role)}, {"pair", to_string(r.pair_state)},
          {"epoch", r.epoch},          {"lsn", r.last_lsn},
          {"sync", r.in_sync},         {"claim", r.was_in_sync},
          {"solo", r.was_solo}};
}

void broker_part(const json& j, Report& r) {
  r.broker_known = j.at("known").get<bool>();
  r.broker_alive = j.at("alive").get<bool>();
  r.role = role_from(j.at("role").get<std::string>());
  r.pair_state = pair_state_from(j.at("pair").get<std::string>());
  r.epoch = j.at("epoch").get<Epoch>();
  r.last_lsn = j.at("lsn").get<Lsn>();
  r.in_sync = j.at("sync").get<bool>();
  r.was_in_sync = j.at("claim").get<bool>();
  r.was_solo = j.at("solo").get<bool>();
}

// Throws json::exception on anything of another shape.
void read_body(const json& j, Datagram& d) {
  if (j.at("v").get<int>() != kVersion) throw json::other_error::create(501, "version", nullptr);
  d.node = j.at("node").get<std::string>();
  d.software = j.value("software", "");
  d.index = j.value("index", 0u);
  d.wall_ms = j.value("wall", std::uint64_t{0});
  d.settings = j.value("settings", std::map<std::string, std::string>());
  d.numbers = {stamp(j.at("own")), stamp(j.at("echo")), stamp(j.at("greet")),
               j.value("clock", TimeMs{0})};
  Report& r = d.report;
  r = {};
  r.boot = d.numbers.own.boot;
  const unsigned phase = j.at("phase").get<unsigned>();
  const unsigned vrrp = j.at("vrrp").get<unsigned>();
  const unsigned ask = j.at("ask").at(0).get<unsigned>();
  if (phase >= kPhases || vrrp > 3 || ask > 2)
    throw json::other_error::create(501, "range", nullptr);
  r.phase = static_cast<Phase>(phase);
  r.vrrp = static_cast<Vrrp>(vrrp);
  r.ask = {static_cast<AskKind>(ask), j.at("ask").at(1).get<std::uint64_t>()};
  const Stamp answer = stamp(j.at("answer"));
  r.answer = {answer.boot, answer.seq};
  r.keepalived_alive = j.at("ka").get<bool>();
  r.holds_address = j.at("addr").get<bool>();
  r.claim = std::min(j.value("claim", 0u), kClaimMax);
  r.released = j.at("released").get<bool>();
  r.in_sync_lease_ms = j.value("lease", std::uint64_t{0});
  broker_part(j.at("broker"), r);
}

}  // namespace

std::string seal(const Datagram& d, const std::string& secret) {
  const Report& r = d.report;
  const json body{{"v", kVersion},
                  {"node", d.node},
                  {"software", d.software},
                  {"index", d.index},
                  {"wall", d.wall_ms},
                  {"settings", d.settings},
                  {"own", stamp(d.numbers.own)},
                  {"echo", stamp(d.numbers.echo)},
                  {"greet", stamp(d.numbers.greet)},
                  {"clock", d.numbers.clock},
                  {"phase", static_cast<unsigned>(r.phase)},
                  {"vrrp", static_cast<unsigned>(r.vrrp)},
                  {"ka", r.keepalived_alive},
                  {"addr", r.holds_address},
                  {"claim", r.claim},
                  {"released", r.released},
                  {"lease", r.in_sync_lease_ms},
                  {"ask", json::array({static_cast<unsigned>(r.ask.kind), r.ask.id})},
                  {"answer", json::array({r.answer.boot, r.answer.id})},
                  {"broker", broker_part(r)}};
  const std::string text = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return mac_of(text, secret) + text;
}

Unsealed unseal(std::string_view bytes, const std::string& secret, Datagram& d) {
  if (bytes.size() <= kMacSize || bytes.size() > kDatagramMax) return Unsealed::malformed;
  const std::string_view text = bytes.substr(kMacSize);
  const std::string mac = mac_of(text, secret);
  if (CRYPTO_memcmp(mac.data(), bytes.data(), kMacSize) != 0) return Unsealed::forged;
  const json body = json::parse(text, nullptr, false);
  if (!body.is_object()) return Unsealed::malformed;
  try {
    read_body(body, d);
  } catch (const json::exception&) {
    return Unsealed::malformed;
  }
  return Unsealed::ok;
}

}  // namespace tandemq::failover
