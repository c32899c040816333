#include <doctest/doctest.h>

#include "broker/access/acl.h"
#include "broker/access/rule_grants.h"

using namespace tandemq;
using namespace tandemq::broker;

namespace {

std::string acl_error(const char* text) {
  const Result<Acl> acl = Acl::parse(text, "acl");
  REQUIRE_FALSE(acl);
  return acl.error().message;
}

}  // namespace

TEST_CASE("rules of users, anonymous clients and patterns") {
  const Result<Acl> acl = Acl::parse(
      "topic read public/#\n"
      "user alice\n"
      "topic sensors/+/value\n"
      "topic deny sensors/secret/value\n"
      "topic write out with blanks\n"
      "pattern readwrite own/%u/#\n"
      "pattern read dev/%c\n",
      "acl");
  REQUIRE(acl);
  SUBCASE("anonymous") {
    CHECK(acl->grants("c", "")->may_receive("public/x"));
    CHECK_FALSE(acl->grants("c", "")->may_publish("public/x"));
    CHECK_FALSE(acl->grants("c", "")->may_receive("sensors/a/value"));
    CHECK(acl->grants("c", "")->may_receive("dev/c"));
    CHECK_FALSE(acl->grants("c", "")->may_publish("own//x"));
  }
  SUBCASE("alice") {
    CHECK(acl->grants("c", "alice")->may_publish("sensors/a/value"));
    CHECK(acl->grants("c", "alice")->may_receive("sensors/a/value"));
    CHECK_FALSE(acl->grants("c", "alice")->may_publish("sensors/secret/value"));
    CHECK_FALSE(acl->grants("c", "alice")->may_receive("public/x"));
    CHECK(acl->grants("c", "alice")->may_publish("out with blanks"));
    CHECK_FALSE(acl->grants("c", "alice")->may_receive("out with blanks"));
    CHECK(acl->grants("c", "alice")->may_publish("own/alice/a/b"));
    CHECK_FALSE(acl->grants("c", "alice")->may_publish("own/bob/a"));
  }
  SUBCASE("names with wildcards do not widen a pattern") {
    CHECK_FALSE(acl->grants("+", "")->may_receive("dev/c"));
    CHECK_FALSE(acl->grants("c", "#")->may_publish("own/bob/a"));
  }
  SUBCASE("subscriptions that could receive something") {
    CHECK(acl->grants("c", "alice")->may_subscribe("sensors/#"));
    CHECK(acl->grants("c", "alice")->may_subscribe("$share/g/sensors/+/value"));
    CHECK(acl->grants("c", "alice")->may_subscribe("#"));
    CHECK_FALSE(acl->grants("c", "alice")->may_subscribe("other/#"));
    CHECK_FALSE(acl->grants("c", "bob")->may_subscribe("sensors/a/value"));
  }
}

TEST_CASE("rights outlive the file that they come from") {
  core::GrantsRef grants;
  {
    Result<Acl> acl = Acl::parse("user alice\ntopic read a/#\n", "acl");
    REQUIRE(acl);
    grants = acl->grants("c", "alice");
  }
  CHECK(grants->may_receive("a/b"));
  CHECK_FALSE(grants->may_receive("b"));
}

TEST_CASE("who may read everything may still not read the topics that begin with $") {
  Result<Acl> acl = Acl::parse(
      "user all\ntopic read #\n"
      "user sys\ntopic read #\ntopic read $SYS/#\n"
      "user less\ntopic read #\ntopic deny a/b\n",
      "acl");
  REQUIRE(acl);
  CHECK(acl->grants("c", "all")->may_receive("a/b"));
  CHECK_FALSE(acl->grants("c", "all")->may_receive("$SYS/uptime"));
  CHECK(acl->grants("c", "sys")->may_receive("$SYS/uptime"));
  CHECK(acl->grants("c", "less")->may_receive("a/c"));
  CHECK_FALSE(acl->grants("c", "less")->may_receive("a/b"));
}

TEST_CASE("a broken line of the ACL file is named") {
  CHECK(acl_error("topic read a\ntpoic b\n").find("acl:2: ") == 0);
  CHECK(acl_error("user\n").find("acl:1: ") == 0);
  CHECK(acl_error("topic read a/#/b\n").find("a/#/b") != std::string::npos);
}

TEST_CASE("filters overlap when some topic matches both") {
  CHECK(filters_overlap("a/b", "a/b"));
  CHECK(filters_overlap("a/+", "+/b"));
  CHECK(filters_overlap("a/#", "a"));
  CHECK(filters_overlap("a", "a/#"));
  CHECK(filters_overlap("#", "x/y/z"));
  CHECK(filters_overlap("+/+/c", "a/#"));
  CHECK_FALSE(filters_overlap("a/b", "a"));
  CHECK_FALSE(filters_overlap("a/b", "a/c"));
  CHECK_FALSE(filters_overlap("+", "a/b"));
  CHECK_FALSE(filters_overlap("#", "$SYS/x"));
  CHECK(filters_overlap("$SYS/#", "$SYS/x"));
}

TEST_CASE("a pattern that cannot be applied opens nothing") {
  const Result<Acl> acl = Acl::parse(
      "topic readwrite #\nuser alice\ntopic readwrite #\n"
      "pattern deny vault/%c/private\npattern deny dev-%u/x\npattern readwrite own/%c/#\n",
      "acl");
  REQUIRE(acl);
  const auto may = [&](const char* client, const char* user, const char* topic) {
    return acl->grants(client, user)->may_receive(topic);
  };
  CHECK_FALSE(may("a/b", "alice", "vault/a/b/private"));
  CHECK(may("a/b", "alice", "vault/a/private"));
  CHECK_FALSE(may("a", "alice", "vault/a/private"));
  for (const char* odd : {"+", "#", "a#"}) CHECK_FALSE(may(odd, "alice", "vault/a/private"));
  CHECK_FALSE(may("c", "", "+/x"));
  CHECK(may("c", "", "other"));
}

TEST_CASE("whether a name with a slash fills a pattern that grants is a setting") {
  const Result<Acl> acl = Acl::parse("pattern readwrite dev/%c/#\n", "acl");
  REQUIRE(acl);
  CHECK_FALSE(acl->grants("a/b", "")->may_publish("dev/a/b/x"));
  CHECK(acl->grants("a/b", "", true)->may_publish("dev/a/b/x"));
  CHECK_FALSE(acl->grants("a/+", "", true)->may_publish("dev/a/b/x"));
}

TEST_CASE("a name opens no topics of the broker's own") {
  const Result<Acl> acl = Acl::parse("pattern readwrite %c/#\n", "acl");
  REQUIRE(acl);
  CHECK(acl->grants("a", "")->may_receive("a/b"));
  CHECK_FALSE(acl->grants("$SYS", "")->may_receive("$SYS/broker/version"));
}

TEST_CASE("a pattern without a name is doubted, with its line") {
  const Result<Acl> acl = Acl::parse(
      "\xef\xbb\xbfuser admin\npattern readwrite #\npattern deny a\npattern read b/%u\n", "acl");
  REQUIRE(acl);
  REQUIRE(acl->doubts().size() == 1);
  CHECK(acl->doubts()[0].find("acl:2: the pattern `#`") == 0);
}

TEST_CASE("a filter of which everything is denied is refused") {
  const Result<Acl> acl =
      Acl::parse("topic read #\ntopic deny secret/#\ntopic deny +/mute\n", "acl");
  REQUIRE(acl);
  const core::GrantsRef grants = acl->grants("c", "");
  for (const char* mute : {"secret/#", "secret", "secret/a", "secret/+/x", "a/mute", "+/mute",
                           "$share/g/secret/#", "$SYS/#"}) {
    CAPTURE(mute);
    CHECK_FALSE(grants->may_subscribe(mute));
  }
  for (const char* some : {"#", "+/a", "+/#", "a", "a/+", "secrets/#"}) {
    CAPTURE(some);
    CHECK(grants->may_subscribe(some));
  }
}

TEST_CASE("what two filters have in common, and which one covers the other") {
  CHECK(filter_intersection("a/#", "+/b/+") == "a/b/+");
  CHECK(filter_intersection("a/#", "a") == "a");
  CHECK(filter_intersection("+/#", "#") == "+/#");
  CHECK_FALSE(filter_intersection("+/#", "$SYS/#"));
  CHECK(filter_covers("a/#", "a"));
  CHECK(filter_covers("a/+", "a/b"));
  CHECK(filter_covers("#", "+/#"));
  CHECK_FALSE(filter_covers("a/b", "a/+"));
  CHECK_FALSE(filter_covers("a/+", "a/#"));
  CHECK_FALSE(filter_covers("a", "a/#"));
  CHECK_FALSE(filter_covers("#", "$SYS/x"));
}
