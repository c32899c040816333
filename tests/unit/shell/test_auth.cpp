#include <doctest/doctest.h>

#include "broker/shell/acl.h"
#include "broker/shell/password_file.h"

using namespace tandemq;
using namespace tandemq::broker;

namespace {

// Made by `mosquitto_passwd -b` (2.0.11): user alice, password secret.
const char* const kAlice =
    "alice:$7$101$C9QaBCMqZB+d830O$CjRHekS5LFNjeE6HDyIYfHU+4d8uNc/c+1GK8Nuyi/J8YUmgN+"
    "xDetbig2Lr/rmdk5XbG9LTd9+fQG/2/qU5dw==\n";

std::string acl_error(const char* text) {
  Acl acl;
  const Status status = acl.parse(text, "acl");
  REQUIRE_FALSE(status);
  return status.error().message;
}

}  // namespace

TEST_CASE("passwords of mosquitto_passwd") {
  Result<PasswordFile> file = PasswordFile::parse(std::string("# users\n\n") + kAlice, "p");
  REQUIRE(file);
  CHECK(file->size() == 1);
  CHECK(file->verify("alice", "secret"));
  CHECK_FALSE(file->verify("alice", "Secret"));
  CHECK_FALSE(file->verify("alice", ""));
  CHECK_FALSE(file->verify("bob", "secret"));
}

TEST_CASE("a broken line of the password file is named") {
  for (const char* bad :
       {"alice", "alice:plain", ":$6$aaaa$aaaa", "alice:$7$x$aaaa$aaaa", "alice:$7$0$aaaa$aaaa",
        "alice:$6$aaaa$aaaa", "alice:$6$!!!!$aaaa", "alice:$7$101$"}) {
    CAPTURE(bad);
    const Result<PasswordFile> file = PasswordFile::parse(std::string(kAlice) + bad, "p");
    REQUIRE_FALSE(file);
    CHECK(file.error().message.find("p:2: ") == 0);
  }
}

TEST_CASE("rules of users, anonymous clients and patterns") {
  Acl acl;
  REQUIRE(
      acl.parse("topic read public/#\n"
                "user alice\n"
                "topic sensors/+/value\n"
                "topic deny sensors/secret/value\n"
                "topic write out with blanks\n"
                "pattern readwrite own/%u/#\n"
                "pattern read dev/%c\n",
                "acl"));
  SUBCASE("anonymous") {
    CHECK(acl.may_receive("c", "", "public/x"));
    CHECK_FALSE(acl.may_publish("c", "", "public/x"));
    CHECK_FALSE(acl.may_receive("c", "", "sensors/a/value"));
    CHECK(acl.may_receive("c", "", "dev/c"));
    CHECK_FALSE(acl.may_publish("c", "", "own//x"));
  }
  SUBCASE("alice") {
    CHECK(acl.may_publish("c", "alice", "sensors/a/value"));
    CHECK(acl.may_receive("c", "alice", "sensors/a/value"));
    CHECK_FALSE(acl.may_publish("c", "alice", "sensors/secret/value"));
    CHECK_FALSE(acl.may_receive("c", "alice", "public/x"));
    CHECK(acl.may_publish("c", "alice", "out with blanks"));
    CHECK_FALSE(acl.may_receive("c", "alice", "out with blanks"));
    CHECK(acl.may_publish("c", "alice", "own/alice/a/b"));
    CHECK_FALSE(acl.may_publish("c", "alice", "own/bob/a"));
  }
  SUBCASE("names with wildcards do not widen a pattern") {
    CHECK_FALSE(acl.may_receive("+", "", "dev/c"));
    CHECK_FALSE(acl.may_publish("c", "#", "own/bob/a"));
  }
  SUBCASE("subscriptions that could receive something") {
    CHECK(acl.may_subscribe("c", "alice", "sensors/#"));
    CHECK(acl.may_subscribe("c", "alice", "$share/g/sensors/+/value"));
    CHECK(acl.may_subscribe("c", "alice", "#"));
    CHECK_FALSE(acl.may_subscribe("c", "alice", "other/#"));
    CHECK_FALSE(acl.may_subscribe("c", "bob", "sensors/a/value"));
  }
}

TEST_CASE("a broken line of the ACL file is named and changes nothing") {
  CHECK(acl_error("topic read a\ntpoic b\n").find("acl:2: ") == 0);
  CHECK(acl_error("user\n").find("acl:1: ") == 0);
  CHECK(acl_error("topic read a/#/b\n").find("a/#/b") != std::string::npos);
  Acl acl;
  REQUIRE(acl.parse("topic a\n", "acl"));
  REQUIRE_FALSE(acl.parse("nonsense\n", "acl"));
  CHECK(acl.may_publish("c", "", "a"));
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
