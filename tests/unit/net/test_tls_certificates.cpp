// Which certificate is shown, which are believed, and what tickets are good for.
#include <filesystem>
#include <fstream>

#include "broker/base/exit_code.h"
#include "broker/net/fronts.h"
#include "tests/unit/net/tls_rig.h"

using namespace tandemq;
using namespace tandemq::test;
using net::CertificateName;

namespace {

const TlsFiles& files() {
  return TlsFiles::get();
}

TlsClient::Way with(const Pki::Issued& own) {
  TlsClient::Way way;
  way.cafile = files().pki.cafile();
  way.own = own;
  return way;
}

net::TlsSettings asking(bool require) {
  net::TlsSettings out = files().settings();
  out.cafile = files().pki.cafile();
  out.require_certificate = require;
  out.certificate_username = CertificateName::common_name;
  return out;
}

std::string error_of(const net::TlsSettings& settings) {
  net::TicketKeys tickets("0123456789abcdef", [] { return 0; });
  auto built = net::TlsContext::build(settings, tickets);
  REQUIRE_FALSE(built);
  CHECK(built.error().code == kExitConfiguration);
  return built.error().message;
}

}  // namespace

TEST_CASE("the certificate follows the name that the client asks for, and the keys it knows") {
  net::TlsSettings settings = files().settings();
  for (const Pki::Issued& more : {files().server_rsa, files().other}) {
    settings.certfile.push_back(more.certfile);
    settings.keyfile.push_back(more.keyfile);
  }
  TlsNode node(settings);
  const auto shown = [&](const char* name, const char* signatures) {
    TlsClient::Way way = with({});
    way.server_name = name;
    way.signatures = signatures;
    TlsRig rig(node, way);
    rig.exchange();
    REQUIRE(rig.client.shaken());
    return rig.client.server() + (rig.client.server_key() == EVP_PKEY_RSA ? " rsa" : " ec");
  };
  CHECK(shown("", "") == "server ec");
  CHECK(shown("broker.example", "") == "server ec");
  CHECK(shown("broker.example", "RSA-PSS+SHA256:ECDSA+SHA256") == "server ec");
  CHECK(shown("a.plant.example", "RSA-PSS+SHA256:rsa_pkcs1_sha256:ecdsa_secp384r1_sha384") ==
        "server rsa");
  CHECK(shown("other.example", "") == "other ec");
  CHECK(shown("unknown.example", "") == "server ec");
}

TEST_CASE("client certificates: required or not, of whom, and for which name") {
  net::TlsSettings settings = asking(true);
  CHECK(outcome(settings, with(files().alice)) == "user alice");
  CHECK(outcome(settings, with({})) == "peer did not return a certificate");
  CHECK(outcome(settings, with(files().eve)) ==
        "certificate verify failed: unable to get local issuer certificate");
  settings.certificate_username = CertificateName::alternative_name;
  CHECK(outcome(settings, with(files().alice)) == "user alice@plant.example");
  CHECK(outcome(settings, with(files().bob)) == "the client's certificate names no user");
  settings.certificate_username = CertificateName::subject;
  CHECK(outcome(settings, with(files().alice)) == "user CN=alice,O=Plant");
  settings.certificate_username = CertificateName::none;
  CHECK(outcome(settings, with(files().alice)) == "user ");
  CHECK(outcome(asking(false), with({})) == "user ");
  CHECK(outcome(asking(false), with(files().alice)) == "user alice");
  const Pki::Issued late = TlsFiles().pki.issue("late", {"late", "", false, -1});
  CHECK(outcome(asking(true), with(late)) != "user late");
}

TEST_CASE(
    "who is revoked is refused, also by a list that is out of date, which refuses nobody else") {
  TlsFiles own;
  for (const long days : {30L, -1L}) {
    net::TlsSettings settings = own.settings_for_users();
    settings.crlfile = own.pki.revoke("crl", {own.alice.certfile}, days);
    TlsClient::Way way;
    way.own = own.alice;
    CHECK(outcome(settings, way) == "certificate verify failed: certificate revoked");
    way.own = own.bob;
    CHECK(outcome(settings, way) == "user bob");
  }
}

TEST_CASE("of two lists of one authority the newer one counts, though only the older is in time") {
  TlsFiles own;
  net::TlsSettings settings = own.settings_for_users();
  settings.crlfile = own.folder.path() + "/lists";
  std::filesystem::create_directory(settings.crlfile);
  own.pki.revoke("lists/monthly", {own.bob.certfile}, 30, 60);
  own.pki.revoke("lists/urgent", {own.bob.certfile, own.alice.certfile}, -1, 10);
  TlsClient::Way way;
  way.own = own.alice;
  CHECK(outcome(settings, way) == "certificate verify failed: certificate revoked");
}

TEST_CASE("a ticket of one node is good at the other, for a day, whatever the version") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsNode a(files().settings()), b(files().settings());
    TlsNode stranger(files().settings(), "of another pair of nodes");
    TlsClient::Way way = with({});
    way.version_max = version;
    const Met first = meet(a, way);
    CHECK_FALSE(first.reused);
    CHECK(meet(b, way, first.session.get()).reused);
    CHECK_FALSE(meet(stranger, way, first.session.get()).reused);
    b.pair_ms += 3 * net::TicketKeys::kRotationMs;
    CHECK(meet(b, way, first.session.get()).reused);
    b.pair_ms += net::TicketKeys::kRotationMs;
    CHECK_FALSE(meet(b, way, first.session.get()).reused);
    b.pair_ms = a.pair_ms - net::TicketKeys::kRotationMs;  // its clock is behind
    CHECK(meet(b, way, first.session.get()).reused);
  }
}

TEST_CASE("a resumed session still names the user") {
  TlsNode a(asking(true)), b(asking(true));
  const Met first = meet(a, with(files().alice));
  TlsClient::Way way = with(files().alice);
  way.session = first.session.get();
  TlsRig rig(b, way);
  rig.exchange();
  CHECK(rig.client.reused());
  CHECK(rig.server->peer_certificate() == "alice");
}

TEST_CASE("a ticket from before a new revocation list is not resumed") {
  TlsFiles own;
  net::TlsSettings settings = own.settings();
  settings.cafile = own.pki.cafile();
  settings.require_certificate = true;
  settings.crlfile = own.pki.revoke("crl", {own.bob.certfile});
  TlsNode before(settings);
  TlsClient::Way way;
  way.own = own.alice;
  const Met first = meet(before, way);
  CHECK(meet(before, way, first.session.get()).reused);
  own.pki.revoke("crl", {own.bob.certfile, own.alice.certfile});
  TlsNode after(settings);
  way.session = first.session.get();
  TlsRig rig(after, way);
  rig.exchange();
  CHECK(rig.failure == "certificate verify failed: certificate revoked");
}

TEST_CASE("bad files are named with the remedy") {
  const std::string folder = files().folder.path();
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(folder + "/" + name) << text;
    return folder + "/" + name;
  };
  const auto said = [](const std::string& all, const char* part) {
    return all.find(part) != std::string::npos;
  };
  net::TlsSettings settings = files().settings();
  SUBCASE("none there") {
    settings.certfile = {folder + "/missing"};
    CHECK(said(error_of(settings), "listener.certfile"));
    CHECK(said(error_of(settings), "cannot be read: No such file"));
  }
  SUBCASE("no certificate in it") {
    settings.certfile = {files().server.keyfile};
    CHECK(said(error_of(settings), "holds no certificate"));
  }
  SUBCASE("damaged") {
    settings.certfile = {
        write("bad", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")};
    CHECK(said(error_of(settings), "is damaged"));
  }
  SUBCASE("the key of another") {
    settings.keyfile = {files().other.keyfile};
    CHECK(said(error_of(settings), "is not the key of the certificate in"));
  }
  SUBCASE("a key with a passphrase") {
    settings.keyfile = {write("locked",
                              "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"
                              "-----END ENCRYPTED PRIVATE KEY-----\n")};
    CHECK(said(error_of(settings), "openssl pkey"));
  }
  SUBCASE("no key") {
    settings.keyfile = {files().server.certfile};
    CHECK(said(error_of(settings), "holds no private key"));
  }
  SUBCASE("no revocation list") {
    settings.cafile = files().pki.cafile();
    settings.crlfile = files().server.certfile;
    CHECK(said(error_of(settings), "holds no revocation list"));
  }
  SUBCASE("an authority's folder that is not there") {
    settings.capath = folder + "/missing";
    CHECK(said(error_of(settings), "listener.capath"));
  }
  SUBCASE("ciphers that OpenSSL does not know") {
    settings.ciphers = "NOTHING";
    CHECK(said(error_of(settings), "openssl ciphers"));
    settings.ciphers = "";
    settings.ciphersuites = "NOTHING";
    CHECK(said(error_of(settings), "listener.ciphersuites"));
  }
}

TEST_CASE("a folder of authorities, and how long each file is good") {
  TlsFiles own;
  const std::string folder = own.folder.path() + "/authorities";
  std::filesystem::create_directory(folder);
  std::filesystem::copy(own.pki.cafile(), folder);
  std::filesystem::copy(own.stranger.cafile(), folder);
  net::TlsSettings settings = own.settings();
  settings.capath = folder;
  settings.require_certificate = true;
  TlsNode node(settings);
  const auto& notes = node.context->notes();
  REQUIRE(notes.size() == 3);
  CHECK(notes[0].kind == "certificate");
  CHECK(notes[0].subject == "CN=server,O=Plant");
  CHECK(notes[1].subject == "CN=authority,O=Plant");
  CHECK(notes[2].kind == "ca");
  const std::int64_t days = (notes[0].not_after_s - std::time(nullptr)) / 86'400;
  CHECK(days == 30);
  TlsClient::Way way;
  way.own = own.eve;
  CHECK(outcome(settings, way) == "user ");
}

TEST_CASE(
    "a reload with a bad file keeps what there was; with a good one new connections have it") {
  TlsFiles own;
  net::TlsSettings settings = own.settings();
  net::Fronts fronts({nullptr, {}, [] { return 0; }, ""}, {{"plain", {}}, {"tls", settings}});
  REQUIRE(fronts.load());
  const auto shown = [&] {
    auto wire = std::make_shared<MemoryWire>();
    MemoryNet net;
    TlsClient client(wire, {});
    const auto server = fronts.put_before(1, net.connect(wire));
    struct : net::TransportUser {
      void transport_ready(net::Ready) override {}
    } user;
    server->attach(user);
    for (int i = 0; i < 5; ++i) {
      client.exchange();
      net.deliver();
      fronts.shake_hands();
    }
    return client.server();
  };
  CHECK(shown() == "server");
  std::filesystem::copy(own.other.certfile, own.server.certfile,
                        std::filesystem::copy_options::overwrite_existing);
  const Status bad = fronts.load();
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message.find("listener tls: ") == 0);
  CHECK(shown() == "server");
  std::filesystem::copy(own.other.keyfile, own.server.keyfile,
                        std::filesystem::copy_options::overwrite_existing);
  CHECK(fronts.load());
  CHECK(shown() == "other");
  auto wire = std::make_shared<MemoryWire>();
  MemoryNet net;
  auto bare = net.connect(wire);
  const net::Transport* const before = bare.get();
  CHECK(fronts.put_before(0, std::move(bare)).get() == before);  // no TLS there
}

TEST_CASE("the secret of tickets has a least length, and may be left out") {
  const std::string path = files().folder.path() + "/secret";
  std::ofstream(path) << "short\n";
  CHECK_FALSE(net::TicketKeys::secret_from(path));
  std::ofstream(path) << "0123456789abcdef\nmore\n";
  CHECK(net::TicketKeys::secret_from(path).value() == "0123456789abcdef");
  CHECK_FALSE(net::TicketKeys::secret_from(path + ".missing"));
  CHECK(net::TicketKeys::secret_from("").value() != net::TicketKeys::secret_from("").value());
}
