// Client certificates beyond one handshake: what is read later, chains, names, tickets' ends.
#include <ctime>
#include <filesystem>
#include <fstream>

#include "tests/unit/net/tls_rig.h"

using namespace tandemq;
using namespace tandemq::test;
using net::CertificateName;

namespace {

// An authority that the root signed, and a folder of lists in which it revokes nothing yet.
struct AuthorityBelow : TlsFiles {
  AuthorityBelow() : below(folder.path(), "below", pki), settings(settings_for_users()) {
    settings.crlfile = folder.path() + "/lists";
    std::filesystem::create_directory(settings.crlfile);
    below.revoke("lists/below", {});
  }
  Pki below;
  net::TlsSettings settings;
};

}  // namespace

TEST_CASE("who has come in by a certificate is judged anew by what was read since") {
  TlsFiles own;
  net::TlsSettings settings = own.settings();
  settings.cafile = own.pki.cafile();
  settings.require_certificate = true;
  settings.crlfile = own.pki.revoke("crl", {});
  TlsNode node(settings);
  TlsClient::Way way;
  way.own = own.alice;
  TlsRig alice(node, way);
  alice.exchange();
  way.own = own.bob;
  TlsRig bob(node, way);
  bob.exchange();
  CHECK(alice.server->peer_trusted());
  own.pki.revoke("crl", {own.alice.certfile});
  node.context = TlsNode(settings).context;
  CHECK_FALSE(alice.server->peer_trusted());
  CHECK(bob.server->peer_trusted());
  settings.cafile = own.stranger.cafile();
  settings.crlfile.clear();
  node.context = TlsNode(settings).context;
  CHECK_FALSE(bob.server->peer_trusted());
}

TEST_CASE("more names of authorities than TLS can carry are left out, and clients come in") {
  TlsFiles own;
  net::TlsSettings settings = own.settings();
  settings.capath = own.folder.path() + "/authorities";
  std::filesystem::create_directory(settings.capath);
  std::filesystem::copy(own.pki.cafile(), settings.capath + "/own.pem");
  const std::string longest(58, 'x');
  for (int i = 0; i < 800; ++i) {
    const Pki more(own.folder.path(), "ca" + std::to_string(i) + longest);
    std::filesystem::copy(more.cafile(), settings.capath + "/" + std::to_string(i) + ".pem");
  }
  settings.certificate_username = CertificateName::common_name;
  TlsClient::Way way;
  way.own = own.alice;
  CHECK(outcome(settings, way) == "user alice");
}

TEST_CASE("an authority that is revoked signs for nobody any more") {
  AuthorityBelow own;
  TlsClient::Way way;
  way.own = own.below.issue("carol", {"carol", ""});
  CHECK(outcome(own.settings, way) == "user carol");  // nobody has said anything of `below`
  own.pki.revoke("lists/root", {});
  CHECK(outcome(own.settings, way) == "user carol");
  own.pki.revoke("lists/root", {own.below.cafile()});
  CHECK(outcome(own.settings, way) == "certificate verify failed: certificate revoked");
}

TEST_CASE("a ticket is not good for longer than the certificates that it was given for") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsFiles own;
    net::TlsSettings settings = own.settings();
    settings.cafile = own.pki.cafile();
    settings.require_certificate = true;
    TlsNode node(settings);
    node.pair_ms = static_cast<std::uint64_t>(std::time(nullptr)) * 1000;
    TlsClient::Way way;
    way.version_max = version;
    way.own = own.pki.issue("soon", {"soon", "", false, 0});  // over in an hour
    const Met first = meet(node, way);
    const Met second = meet(node, way, first.session.get());
    CHECK(second.reused);
    node.pair_ms += 2 * 3600 * 1000;
    CHECK_FALSE(meet(node, way, first.session.get()).reused);
    CHECK_FALSE(meet(node, way, second.session.get()).reused);
  }
}

TEST_CASE("a client that was resumed is judged anew by all that it showed when it first came") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    AuthorityBelow own;
    TlsNode node(own.settings);
    TlsClient::Way way;
    way.version_max = version;
    way.own = own.below.issue("carol", {"carol", ""});
    const Met first = meet(node, way);
    const Met second = meet(node, way, first.session.get());
    REQUIRE(second.reused);
    way.session = second.session ? second.session.get() : first.session.get();
    TlsRig third(node, way);
    third.exchange();
    REQUIRE(third.handshakes.counters.resumed == 1);
    own.pki.revoke("lists/root", {});
    node.context = TlsNode(own.settings).context;
    CHECK(third.server->peer_trusted());
    own.pki.revoke("lists/root", {own.below.cafile()});
    node.context = TlsNode(own.settings).context;
    CHECK_FALSE(third.server->peer_trusted());
  }
}

TEST_CASE("the ticket of a client that shows much is no larger than clients take") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    AuthorityBelow own;
    TlsNode node(own.settings);
    TlsClient::Way way;
    way.version_max = version;
    way.own = own.below.issue("carol", {"carol", ""});
    for (int i = 0; i < 20; ++i) {
      std::ofstream(way.own.certfile, std::ios::app) << std::ifstream(own.below.cafile()).rdbuf();
    }
    const Met first = meet(node, way);
    const unsigned char* ticket = nullptr;
    std::size_t size = 0;
    SSL_SESSION_get0_ticket(first.session.get(), &ticket, &size);
    CHECK(size > 0);
    CHECK(size < 4096);
    CHECK(meet(node, way, first.session.get()).reused);
  }
}
