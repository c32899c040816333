#include <doctest/doctest.h>

#include <string>

#include "broker/access/base64url.h"
#include "broker/access/token.h"
#include "tests/unit/access/token_maker.h"

using namespace tandemq;
using namespace tandemq::broker;
using test::Signer;

namespace {

constexpr std::int64_t kNow = 1'700'000'000;
const char* const kAlice = R"({"sub":"alice","exp":1700000100})";
const char* const kAlgorithms[] = {"RS256", "ES256", "HS256", "EdDSA"};

KeySet keys_of(const std::string& set) {
  Result<KeySet> keys = KeySet::parse(set, "keys.json");
  REQUIRE(keys);
  return *keys;
}

std::string refusal(const std::string& token, const KeySet& keys, const TokenSection& rules = {}) {
  Claims claims;
  const Refusal refused = check_token(token, keys, rules, kNow, claims);
  return refused ? refused : "";
}

std::string judged(const std::string& payload, const TokenSection& rules = {}) {
  Claims claims;
  const Refusal refused = judge_claims(payload, rules, kNow, claims);
  return refused ? refused : "";
}

bool has(const std::string& text, const char* part) {
  INFO(text);
  return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("base64url: only what is written the one way") {
  CHECK(from_base64url("") == "");
  CHECK(from_base64url("Zg") == "f");
  CHECK(from_base64url("-_8") == "\xfb\xff");
  for (const char* wrong : {"Z", "Zg==", "Zh", "Z+", "Z/", "Z g", "Zm9vY"})
    CHECK_FALSE(from_base64url(wrong));
}

TEST_CASE("tokens of each algorithm are taken, and not with a byte changed") {
  for (const char* algorithm : kAlgorithms) {
    INFO(algorithm);
    const Signer signer(algorithm);
    const KeySet keys = keys_of(signer.set());
    const std::string token = signer.token(kAlice);
    Claims claims;
    const Refusal refused = check_token(token, keys, {}, kNow, claims);
    INFO((refused ? refused : ""));
    CHECK(refused == nullptr);
    CHECK(claims.username == "alice");
    CHECK(claims.lasts_s == 130);
    CHECK(keys.holds(claims.key));
    CHECK_FALSE(keys_of(Signer(algorithm, "other").set()).holds(claims.key));
    for (const std::size_t place : {std::size_t{30}, token.find('.') + 5, token.size() - 20}) {
      std::string other = token;
      other[place] = other[place] == 'A' ? 'B' : 'A';
      CHECK(check_token(other, keys, {}, kNow, claims) != nullptr);
    }
    CHECK(has(refusal(token.substr(0, token.rfind('.') + 1), keys), "signature is wrong"));
    CHECK(has(refusal(Signer(algorithm).token(kAlice), keys), "signature is wrong") ==
          (std::string(algorithm) != "HS256"));
  }
}

TEST_CASE("a key has its algorithm, whatever a token says") {
  const Signer rsa("RS256"), secret("HS256");
  const KeySet keys = keys_of(rsa.set());
  const std::string payload = test::base64url(kAlice);
  for (const char* named : {"none", "None", "", "HS256", "ES256", "RS384", "EdDSA"}) {
    const std::string header = R"({"kid":"k1","alg":")" + std::string(named) + "\"}";
    CHECK(has(refusal(rsa.token(kAlice, header), keys), "algorithm"));
    CHECK(has(refusal(test::base64url(header) + "." + payload + ".", keys), "algorithm"));
    CHECK(has(refusal(secret.token(kAlice, header), keys), "algorithm"));
  }
  CHECK(has(refusal(rsa.token(kAlice, R"({"kid":"k1"})"), keys), "algorithm"));
  CHECK(has(refusal(rsa.token(kAlice, R"({"kid":"k1","alg":256})"), keys), "algorithm"));
}

TEST_CASE("keys are found by their identifier, or tried where a token names none") {
  const Signer one("ES256", "one"), two("ES256", "two"), three("EdDSA", "three");
  const KeySet keys = keys_of("{\"keys\":[" + one.jwk() + "," + two.jwk() + "]}");
  CHECK(refusal(two.token(kAlice), keys).empty());
  CHECK(refusal(two.token(kAlice, R"({"alg":"ES256"})"), keys).empty());
  CHECK(has(refusal(two.token(kAlice, R"({"alg":"ES256","kid":"one"})"), keys), "signature"));
  CHECK(has(refusal(three.token(kAlice), keys), "a key that is not in"));
}

TEST_CASE("what is no token, or demands what nobody knows") {
  const Signer signer("HS256");
  const KeySet keys = keys_of(signer.set());
  for (const char* wrong :
       {"", "secret", "..", "a.b", "a.b.c", "a.b.c.d", "e30.e30.e30=", "W10.e30."})
    CHECK(has(refusal(wrong, keys), "no token"));
  CHECK(has(refusal(std::string(kTokenBytesMax + 1, 'e'), keys), "longer"));
  const char* header = R"({"alg":"HS256","kid":"k1","crit":["b64"]})";
  CHECK(has(refusal(signer.token(kAlice, header), keys), "crit"));
  CHECK(has(refusal(signer.token("[]"), keys), "payload"));
  CHECK(looks_like_token(signer.token(kAlice)));
  CHECK_FALSE(looks_like_token("a.b.c"));
  CHECK_FALSE(looks_like_token("eyJ"));
}

TEST_CASE("a token has its time") {
  CHECK(has(judged(R"({"sub":"a"})"), "no end"));
  CHECK(has(judged(R"({"sub":"a","exp":1699999970})"), "expired"));
  CHECK(judged(R"({"sub":"a","exp":1699999971})").empty());  // the leeway
  CHECK(has(judged(R"({"sub":"a","exp":"1800000000"})"), "expired"));
  CHECK(has(judged(R"({"sub":"a","exp":-1e300})"), "expired"));
  CHECK(judged(R"({"sub":"a","exp":1800000000.5,"nbf":1700000030})").empty());
  CHECK(has(judged(R"({"sub":"a","exp":1800000000,"nbf":1700000031})"), "not good yet"));
  CHECK(has(judged(R"({"sub":"a","exp":1800000000,"nbf":null})"), "not good yet"));
  TokenSection rules;
  rules.require_exp = false;
  rules.leeway_s = 0;
  CHECK(judged(R"({"sub":"a"})", rules).empty());
  CHECK(has(judged(R"({"sub":"a","exp":1700000000})", rules), "expired"));
  Claims claims;
  CHECK(judge_claims(R"({"sub":"a","exp":1e300})", rules, kNow, claims) == nullptr);
  CHECK(claims.lasts_s == 0);
}

TEST_CASE("a token says who made it and for whom") {
  TokenSection rules;
  rules.issuer = "https://id.example";
  rules.audience = {"mqtt", "mqtt2"};
  const auto with = [&](const std::string& more) {
    return judged(R"({"sub":"a","exp":1800000000)" + more + "}", rules);
  };
  const std::string ours = R"(,"iss":"https://id.example")";
  CHECK(with(ours + R"(,"aud":"mqtt2")").empty());
  CHECK(with(ours + R"(,"aud":["x",1,"mqtt"])").empty());
  for (const char* other : {R"(,"aud":"x")", R"(,"aud":["x"])", R"(,"aud":[])", R"(,"aud":7)", ""})
    CHECK(has(with(ours + other), "for others"));
  for (const char* other :
       {R"(,"iss":"x","aud":"mqtt")", R"(,"iss":1,"aud":"mqtt")", R"(,"aud":"mqtt")"})
    CHECK(has(with(other), "another issuer"));
  rules = {};
  CHECK(has(with(R"(,"aud":"mqtt")"), "for others"));  // who has no name is not meant
}

TEST_CASE("a token names its user") {
  TokenSection rules;
  rules.username_claim = "https://id.example/name";
  Claims claims;
  CHECK(judge_claims(R"({"https://id.example/name":"bob","exp":1800000000})", rules, kNow,
                     claims) == nullptr);
  CHECK(claims.username == "bob");
  CHECK(has(judged(R"({"sub":"a","exp":1800000000})", rules), "names no user"));
  CHECK(has(judged(R"({"sub":7,"exp":1800000000})"), "names no user"));
  CHECK(has(judged(R"({"sub":"","exp":1800000000})"), "no user name"));
  CHECK(has(judged(R"({"sub":"a\u0000b","exp":1800000000})"), "no user name"));
  CHECK(has(judged("{\"sub\":\"" + std::string(1025, 'a') + "\",\"exp\":1800000000}"),
            "no user name"));
}

TEST_CASE("rights as ACL lines or as lists of filters") {
  TokenSection rules;
  rules.rights_claim = "acl";
  const auto grants = [&](const std::string& acl) {
    Claims claims;
    const std::string payload = R"({"sub":"alice","exp":1800000000)" + acl + "}";
    const Refusal refused = judge_claims(payload, rules, kNow, claims);
    INFO((refused ? refused : ""));
    REQUIRE(refused == nullptr);
    return claims.rights->grants("c1", claims.username);
  };
  for (const char* acl :
       {R"(,"acl":["topic read a/#","pattern write dev/%c/%u","topic deny a/secret"])",
        R"(,"acl":{"sub":["a/#"],"pub":["dev/%c/%u"]})"}) {
    CHECK(grants(acl)->may_receive("a/b"));
    CHECK_FALSE(grants(acl)->may_publish("a/b"));
    CHECK(grants(acl)->may_publish("dev/c1/alice"));
    CHECK_FALSE(grants(acl)->may_publish("dev/c2/alice"));
  }
  CHECK_FALSE(grants(R"(,"acl":["topic read a/#","topic deny a/b"])")->may_receive("a/b"));
  for (const char* none : {"", R"(,"acl":[])", R"(,"acl":{})"})
    CHECK_FALSE(grants(none)->may_receive("a/b"));
  const auto with = [&](const std::string& acl) {
    return judged(R"({"sub":"alice","exp":1800000000,"acl":)" + acl + "}", rules);
  };
  for (const char* wrong :
       {R"("topic read a")", "7", "[7]", R"(["topc a"])", R"(["topic a/#/b"])", R"(["user bob"])",
        R"({"sub":"a"})", R"({"sub":["a",1]})", R"({"read":["a"]})", R"({"sub":["a/#/b"]})",
        R"({"sub":[""]})", R"({"pub":[" "]})", R"({"sub":[" a"]})", R"({"sub":["a "]})"})
    CHECK(has(with(wrong), "rights are neither"));
  std::string many = "[\"topic a\"";
  for (std::size_t i = 0; i < kRightsMax; ++i) many += ",\"topic a\"";
  CHECK(has(with(many + "]"), "more than 256"));
}

TEST_CASE("a key set that is not good says where and what to do") {
  const Signer ec("ES256"), rsa("RS256", "short", 1024);
  const auto error = [](const std::string& text) {
    const Result<KeySet> keys = KeySet::parse(text, "keys.json");
    return keys ? "" : keys.error().message;
  };
  CHECK(has(error(""), "keys.json: is no JSON Web Key Set"));
  CHECK(has(error("{}"), "no JSON Web Key Set"));
  CHECK(has(error(R"({"keys":[]})"), "no key for signatures"));
  CHECK(has(error(R"({"keys":[1]})"), "key 1 is no JSON object"));
  CHECK(has(error(rsa.set()), "key 1 (short) is an RSA key of less than 2048 bits"));
  CHECK(has(error(R"({"keys":[{"kty":"oct","k":"c2hvcnQ"}]})"), "32 bytes or more"));
  CHECK(has(error(R"({"keys":[{"kty":"RSA","n":"!"}]})"), "no `n` and `e`"));
  CHECK(has(error(R"({"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]})"), "point on P-256"));
  const std::string off(43, 'A');
  CHECK(
      has(error(R"({"keys":[{"kty":"EC","crv":"P-256","x":")" + off + R"(","y":")" + off + "\"}]}"),
          "point on P-256"));
  CHECK(has(error("{\"keys\":[" + ec.jwk(R"(,"alg":"ES512")") + "]}"), "no key for signatures"));
  const KeySet foreign =
      keys_of("{\"keys\":[" + ec.jwk(R"(,"alg":"ES512")") + "," + ec.jwk() + "]}");
  CHECK(foreign.keys().size() == 1);
  REQUIRE(foreign.doubts().size() == 1);
  CHECK(has(foreign.doubts()[0], "is for ES512 and is passed over"));
  const std::string weak =
      "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"" + std::string(341, '_') + "w" + "\",\"e\":\"AQ\"}]}";
  CHECK(has(error(weak), "`e` protects nothing"));
  CHECK(has(error("{\"keys\":[" + ec.jwk(R"(,"use":"enc")") + "]}"), "no key for signatures"));
  CHECK(has(error(std::string(KeySet::kBytesMax + 1, ' ')), "larger than 1 MiB"));
  const KeySet mixed = keys_of("{\"keys\":[{\"kty\":\"LMS\"}," + ec.jwk(R"(,"d":"x")") + "]}");
  CHECK(mixed.keys().size() == 1);
  CHECK(mixed.has_secrets());
  REQUIRE(mixed.doubts().size() == 1);
  CHECK(has(mixed.doubts()[0], "private part"));
}
