#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "broker/access/http_answer.h"
#include "broker/core/grants.h"

using namespace tandemq::broker;

namespace {

HttpAnswer said(std::string_view body, long status = 200) {
  return read_answer(status, body, "alice");
}

}  // namespace

TEST_CASE("a yes is a yes, with what it brings") {
  CHECK(said(R"({"allow":true})").word == Word::allowed);
  CHECK_FALSE(said(R"({"allow":true})").claims.rights);
  const HttpAnswer all =
      said(R"({"allow":true,"lasts_s":60,"rights":["topic read a/#"],"more":1})");
  CHECK(all.word == Word::allowed);
  CHECK(all.why == nullptr);
  CHECK(all.claims.username == "alice");
  CHECK(all.claims.lasts_s == 60);
  REQUIRE(all.claims.rights);
  CHECK(all.claims.rights->grants("c", "alice")->may_receive("a/b"));
  CHECK_FALSE(all.claims.rights->grants("c", "alice")->may_publish("a/b"));
}

TEST_CASE("a no is a no, whatever else is said") {
  for (const char* body : {R"({"allow":false})", R"({"allow":false,"rights":3,"lasts_s":"x"})"})
    CHECK(said(body).word == Word::refused);
  for (const char* body : {"", R"({"allow":true})"}) {
    CHECK(said(body, 401).word == Word::refused);
    CHECK(said(body, 403).word == Word::refused);
  }
}

TEST_CASE("what is neither is unclear, and lets nobody in") {
  for (const long status : {0, 100, 201, 204, 301, 302, 404, 429, 500, 503})
    CHECK(said(R"({"allow":true})", status).word == Word::unclear);
  for (const char* body :
       {"", "true", "[]", "{", R"({"allow":"true"})", R"({"allow":1})", R"({"Allow":true})",
        R"({"allow":true,"lasts_s":0})", R"({"allow":true,"lasts_s":-1})",
        R"({"allow":true,"lasts_s":1.5})", R"({"allow":true,"lasts_s":"60"})",
        R"({"allow":true,"lasts_s":99999999999999999999})", R"({"allow":true,"rights":null})",
        R"({"allow":true,"rights":{"sub":"a"}})", R"({"allow":true,"rights":["nonsense"]})",
        R"({"allow":true,"rights":{"sub":["a/#/b"]}})"}) {
    CAPTURE(body);
    CHECK(said(body).word == Word::unclear);
    CHECK(said(body).why != nullptr);
  }
  std::string many = R"({"allow":true,"rights":["topic a")";
  for (int i = 0; i < 256; ++i) many += R"(,"topic a")";
  CHECK(said(many + "]}").word == Word::unclear);
}

TEST_CASE("a question is JSON, whatever the client sends") {
  tandemq::mqtt::Connect packet;
  packet.client_id = "c\"1";
  packet.has_username = true;
  packet.username = "al\\ice";
  packet.password = std::string_view("\xff\x00p", 3);
  const Credentials who(0, packet, {}, "192.0.2.1:50000");
  const auto body = nlohmann::json::parse(question_of(who, "mqtt"));
  CHECK(body["client_id"] == "c\"1");
  CHECK(body["username"] == "al\\ice");
  CHECK(body["address"] == "192.0.2.1");
  CHECK(body["listener"] == "mqtt");
  CHECK(body["password"].get<std::string>().ends_with(std::string_view("\0p", 2)));
}

TEST_CASE("a port or a process is no part of where a client comes from") {
  CHECK(host_of("10.0.0.1:50000") == "10.0.0.1");
  CHECK(host_of("[fd00::1]:50000") == "fd00::1");
  CHECK(host_of("unix:uid-1,pid-2") == "unix:uid-1");
  for (const char* odd : {"", "[", "[]", "unix", ":"}) CHECK(host_of(odd).size() <= 4);
}
