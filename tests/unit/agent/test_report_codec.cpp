#include <doctest/doctest.h>
#include <openssl/hmac.h>

#include <nlohmann/json.hpp>
#include <random>

#include "failover/shell/report_codec.h"

using namespace tandemq::failover;
using nlohmann::json;

namespace {

const std::string kSecret = "0123456789abcdef0123456789abcdef";

Datagram sample() {
  Datagram d;
  d.node = "a";
  d.software = "1.2.3";
  d.index = 1;
  d.settings = {{"failover.authority", "timeout"}};
  d.numbers = {{1ull << 52, 7}, {22, 8}, {33, 9}, 123456};
  Report& r = d.report;
  r.boot = 1ull << 52;
  r.phase = Phase::released;
  r.broker_known = r.broker_alive = r.in_sync = r.was_in_sync = r.released = true;
  r.role = Role::primary;
  r.pair_state = PairState::resyncing;
  r.epoch = 0xffffffffffffff01;
  r.last_lsn = 1'000'000'000'000;
  r.vrrp = Vrrp::master;
  r.in_sync_lease_ms = 5000;
  r.ask = {AskKind::solo, 4};
  r.answer = {22, 5};
  return d;
}

std::string sealed(const json& body) {
  const std::string text = body.dump();
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), kSecret.data(), static_cast<int>(kSecret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  return std::string(reinterpret_cast<char*>(mac), size) + text;
}

}  // namespace

TEST_CASE("a report comes out as it went in, and fits one datagram") {
  const std::string bytes = seal(sample(), kSecret);
  CHECK(bytes.size() <= kDatagramMax);
  Datagram d;
  REQUIRE(unseal(bytes, kSecret, d) == Unsealed::ok);
  CHECK(d.node == "a");
  CHECK(d.software == "1.2.3");
  CHECK(d.index == 1);
  CHECK(d.settings == sample().settings);
  CHECK(d.report == sample().report);
  CHECK(d.numbers.own == sample().numbers.own);
  CHECK(d.numbers.echo == sample().numbers.echo);
  CHECK(d.numbers.greet == sample().numbers.greet);
}

TEST_CASE("the longest report fits one datagram") {
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  Datagram d = sample();
  d.node = std::string(32, 'n');
  d.software = "10.20.30~beta1+next-1~deb12u1";
  d.wall_ms = kMost;
  d.settings = {{"failover.authority", "timeout"},
                {"failover.in_sync_lease_ms", std::to_string(kMost)},
                {"failover.silence_ms", std::to_string(kMost)},
                {"failover.cold_start", "serve"},
                {"checksum of acl_file", "4294967295"},
                {"checksum of password_file", "4294967295"}};
  d.numbers = {{kMost, kMost}, {kMost, kMost}, {kMost, kMost}, kMost};
  d.report.boot = d.report.epoch = d.report.last_lsn = d.report.in_sync_lease_ms = kMost;
  d.report.phase = Phase::waiting_for_peer;
  d.report.ask.id = d.report.answer.boot = d.report.answer.id = kMost;
  CHECK(seal(d, kSecret).size() <= kDatagramMax);
}

TEST_CASE("fields of a newer agent are left unread, those of an older one are not missed") {
  json body = json::parse(seal(sample(), kSecret).substr(32));
  body["later"] = {1, 2};
  body["broker"]["later"] = "x";
  for (const char* key : {"software", "index", "settings", "lease"}) body.erase(key);
  Datagram d;
  REQUIRE(unseal(sealed(body), kSecret, d) == Unsealed::ok);
  CHECK(d.software == "");
  CHECK(d.report.in_sync_lease_ms == 0);
  CHECK(d.report.last_lsn == sample().report.last_lsn);
  body["v"] = 2;  // says that it cannot be understood without knowing more
  CHECK(unseal(sealed(body), kSecret, d) == Unsealed::malformed);
}

TEST_CASE("another secret, or any bit changed, is forged") {
  const std::string bytes = seal(sample(), kSecret);
  Datagram d;
  CHECK(unseal(bytes, "another secret of 16", d) == Unsealed::forged);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string bad = bytes;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    CHECK(unseal(bad, kSecret, d) == Unsealed::forged);
  }
}

TEST_CASE("short, long and random datagrams are refused") {
  Datagram d;
  const std::string bytes = seal(sample(), kSecret);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK(unseal(std::string_view(bytes).substr(0, size), kSecret, d) != Unsealed::ok);
  }
  CHECK(unseal(bytes + std::string(2000, ' '), kSecret, d) == Unsealed::malformed);
  std::mt19937_64 rng(1);
  for (int i = 0; i < 2000; ++i) {
    std::string noise(rng() % 1300, 0);
    for (char& c : noise) c = static_cast<char>(rng());
    CHECK(unseal(noise, kSecret, d) != Unsealed::ok);
  }
}
