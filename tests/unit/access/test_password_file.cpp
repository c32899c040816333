#include <doctest/doctest.h>

#include "broker/access/password_file.h"

using namespace tandemq;
using namespace tandemq::broker;

namespace {

// Made by `mosquitto_passwd -b` (2.0.11): user alice, password secret.
const char* const kAlice =
    "alice:$7$101$C9QaBCMqZB+d830O$CjRHekS5LFNjeE6HDyIYfHU+4d8uNc/c+1GK8Nuyi/J8YUmgN+"
    "xDetbig2Lr/rmdk5XbG9LTd9+fQG/2/qU5dw==\n";

}  // namespace

TEST_CASE("passwords of mosquitto_passwd") {
  Result<PasswordFile> file = PasswordFile::parse(std::string("# users\n\n") + kAlice, "p");
  REQUIRE(file);
  CHECK(file->size() == 1);
  REQUIRE(file->find("alice"));
  CHECK(file->find("alice")->matches("secret"));
  CHECK_FALSE(file->find("alice")->matches("Secret"));
  CHECK_FALSE(file->find("alice")->matches(""));
  CHECK_FALSE(file->find("bob"));
  CHECK_FALSE(file->of_nobody().matches("secret"));
  CHECK(file->of_nobody().iterations == 101);
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

TEST_CASE("a byte-order mark hides nobody, and argon2id is told with what is read instead") {
  Result<PasswordFile> marked = PasswordFile::parse("\xef\xbb\xbf" + std::string(kAlice), "p");
  REQUIRE(marked);
  CHECK(marked->find("alice"));
  Result<PasswordFile> argon =
      PasswordFile::parse("bob:$argon2id$v=19$m=47104,t=1,p=1$c2FsdA$aGFzaA\n", "p");
  REQUIRE_FALSE(argon);
  CHECK(argon.error().message.find("-H sha512-pbkdf2") != std::string::npos);
}
