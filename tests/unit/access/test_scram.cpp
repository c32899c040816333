#include <doctest/doctest.h>

#include <random>
#include <string>

#include "broker/access/base64.h"
#include "broker/access/password_file.h"
#include "broker/access/scram.h"

using namespace tandemq;
using namespace tandemq::broker;

namespace {

// RFC 7677 section 3: user "user", password "pencil".
const char* const kFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const char* const kOurNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const char* const kChallenge =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const std::string kFinal =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const char* const kSignature = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

const ScramVerifier& pencil() {
  static const ScramVerifier made =
      scram_verifier("pencil", *from_base64("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
  return made;
}

ScramServer server(const ScramVerifier& verifier = pencil(), std::string_view says = kFirst) {
  ScramFirst first;
  REQUIRE(read_scram_first(says, first) == nullptr);
  return {first, kOurNonce, verifier};
}

Refusal refusal_of(std::string_view first) {
  ScramFirst out;
  return read_scram_first(first, out);
}

}  // namespace

TEST_CASE("SCRAM-SHA-256: the exchange of RFC 7677") {
  ScramServer one = server();
  CHECK(one.user() == "user");
  CHECK(one.challenge() == kChallenge);
  CHECK(one.check(kFinal) == nullptr);
  CHECK(one.signature() == kSignature);
}

TEST_CASE("SCRAM-SHA-256: whatever is changed in the proof, it proves nothing") {
  std::mt19937 random(7677);
  for (std::size_t at = 0; at < kFinal.size(); ++at) {
    CAPTURE(at);
    std::string changed = kFinal;
    changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ (1 + random() % 127));
    CHECK(server().check(changed) != nullptr);
    CHECK(server().check(kFinal.substr(0, at)) != nullptr);
    CHECK(server().check(kFinal.substr(at + 1)) != nullptr);
  }
  CHECK(server().check(kFinal + "A") != nullptr);
  CHECK(server().check(kFinal + ",x=y") != nullptr);
  CHECK(server().check("") != nullptr);
}

TEST_CASE("SCRAM-SHA-256: another password, salt, nonce or channel proves nothing") {
  CHECK(server(scram_verifier("Pencil", pencil().salt, 4096)).check(kFinal) != nullptr);
  CHECK(server(scram_verifier("pencil", "another salt", 4096)).check(kFinal) != nullptr);
  CHECK(server(scram_verifier("pencil", pencil().salt, 4097)).check(kFinal) != nullptr);
  CHECK(server(scram_verifier_of_nobody("user", "secret", 4096)).check(kFinal) != nullptr);
  CHECK(server(pencil(), "y,,n=user,r=rOprNGfwEbeRWgbNEkqO").check(kFinal) != nullptr);
  CHECK(server(pencil(), "n,a=user,n=user,r=rOprNGfwEbeRWgbNEkqO").check(kFinal) != nullptr);
  CHECK(server(pencil(), "n,,n=user,r=sOprNGfwEbeRWgbNEkqO").check(kFinal) != nullptr);
  ScramFirst first;
  REQUIRE(read_scram_first(kFirst, first) == nullptr);
  CHECK(ScramServer(first, "another", pencil()).check(kFinal) != nullptr);
}

TEST_CASE("SCRAM-SHA-256: first messages that are taken") {
  ScramFirst first;
  REQUIRE(read_scram_first("y,a=a=2Cb=3D,n=a=2Cb=3D,r=x=y,z=what,q=e=v", first) == nullptr);
  CHECK(first.user == "a,b=");
  CHECK(first.nonce == "x=y");
  CHECK(first.header == "y,a=a=2Cb=3D,");
  CHECK(first.bare == "n=a=2Cb=3D,r=x=y,z=what,q=e=v");
  CHECK(refusal_of("n,,n=an user,r=" + std::string(256, 'r')) == nullptr);
}

TEST_CASE("SCRAM-SHA-256: first messages that are refused, and why") {
  const auto why = [](std::string_view first) {
    const Refusal refused = refusal_of(first);
    return std::string(refused ? refused : "");
  };
  for (const char* bad : {"",
                          "n",
                          "n,",
                          "n,,",
                          ",,n=u,r=x",
                          "x,,n=u,r=x",
                          "n,,n=u",
                          "n,,n=,r=x",
                          "n,,n=u,r=",
                          "n,,r=x,n=u",
                          "n,,u,r=x",
                          "n,,n=u,r=x y",
                          "n,,n=u,r=\x80",
                          "n,,n=u=,r=x",
                          "n,,n=u=2c,r=x",
                          "n,,n=u=2,r=x",
                          "n,a=,n=u,r=x",
                          "n,b=u,n=u,r=x",
                          "n,,n=u,r=x,",
                          "n,,n=u,r=x,z",
                          "n,,n=u,r=x,,z=y",
                          "n=u,r=x",
                          "nn,,n=u,r=x"}) {
    CAPTURE(std::string(bad));
    CHECK(why(bad) == "what it sent is no message of SCRAM");
  }
  CHECK(why("p=tls-unique,,n=u,r=x") == "channel binding is not offered here");
  CHECK(why("n,a=root,n=u,r=x") == "it wants to act as another user");
  for (const char* demands : {"n,,m=x,n=u,r=x", "n,,n=u,r=x,m=x"})
    CHECK(why(demands) == "it demands an extension of SCRAM, and none is known here");
  for (const char* odd : {"n,,n=\xc3\xbc,r=x", "n,,n=a\x01,r=x", "n,,n=a\x7f,r=x"})
    CHECK(why(odd) == "SCRAM takes names of printable ASCII alone");
  CHECK(why("n,,n=u,r=" + std::string(257, 'r')) == "its nonce is longer than 256 bytes");
  CHECK(why("n,,n=u,r=x,z=" + std::string(kScramMessageMax, 'z')) ==
        "its message of SCRAM is longer than 2 KiB");
  CHECK(std::string(server().check("m=x,c=biws,r=x,p=AAAA")) ==
        "it demands an extension of SCRAM, and none is known here");
  CHECK(std::string(server().check(std::string(kScramMessageMax + 1, 'x'))) ==
        "its message of SCRAM is longer than 2 KiB");
}

TEST_CASE("a name that nobody has gets a salt of its own, the same each time") {
  const auto salt = [](const char* user, const char* secret) {
    return scram_verifier_of_nobody(user, secret, 5000).salt;
  };
  CHECK(salt("a", "secret").size() == pencil().salt.size());
  CHECK(salt("a", "secret") == salt("a", "secret"));
  CHECK(salt("a", "secret") != salt("b", "secret"));
  CHECK(salt("a", "secret") != salt("a", "other"));
}

TEST_CASE("an entry of SCRAM in a password file, as PostgreSQL writes it") {
  const std::string keys = to_base64(pencil().stored_key) + ":" + to_base64(pencil().server_key);
  const std::string line = "user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" + keys + "\n";
  const Result<PasswordFile> file = PasswordFile::parse(line, "p");
  REQUIRE(file);
  const PasswordHash* entry = file->find("user");
  REQUIRE(entry);
  CHECK(entry->is_scram());
  CHECK(entry->verifier() == pencil());
  CHECK(*entry == PasswordHash::of(pencil()));
  CHECK(entry->matches("pencil"));
  CHECK_FALSE(entry->matches("Pencil"));
  CHECK_FALSE(entry->matches(""));
  CHECK(file->of_nobody().is_scram());
  CHECK_FALSE(file->of_nobody().matches("pencil"));
  CHECK(file->scram_iterations() == 4096);
  for (const std::string& bad :
       {"4095:W22ZaJ0SNY7soEsUEjb6gQ==$" + keys, "10000001:W22ZaJ0SNY7soEsUEjb6gQ==$" + keys,
        "4096:$" + keys, "4096:W22ZaJ0SNY7soEsUEjb6gR==$" + keys, "4096:" + keys,
        "x:W22ZaJ0SNY7soEsUEjb6gQ==$" + keys,
        "4096:" + to_base64(std::string(65, 's')) + "$" + keys,
        "4096:W22ZaJ0SNY7soEsUEjb6gQ==$" + keys + ":",
        std::string("4096:W22ZaJ0SNY7soEsUEjb6gQ==$AAAA:AAAA"),
        "4096:W22ZaJ0SNY7soEsUEjb6gQ==$" + keys.substr(0, 45)}) {
    CAPTURE(bad);
    const Result<PasswordFile> wrong = PasswordFile::parse("user:SCRAM-SHA-256$" + bad, "p");
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().message.find("p:1: ") == 0);
    CHECK(wrong.error().message.find("tandemqctl passwd --scram") != std::string::npos);
  }
}

TEST_CASE("base64 is read as it is written, and in no other way") {
  std::mt19937 random(4648);
  for (std::size_t size = 0; size < 40; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::string text = to_base64(bytes);
    REQUIRE(from_base64(text) == bytes);
    CHECK_FALSE(from_base64(text + " "));
    CHECK_FALSE(from_base64(" " + text));
    CHECK_FALSE(from_base64(text + "===="));
  }
  for (const char* bad : {"A", "AA", "AAA", "AA=", "AB==", "AAB=", "A===", "====", "AA-_", "AA\n="})
    CHECK_FALSE(from_base64(bad));
}
