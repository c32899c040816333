// The replication link over TLS: who is let in, who is not, and what each side is told.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "driver_pair.h"
#include "replicator/shell/link_cipher.h"
#include "tests/support/pki.h"

using namespace tandemq;
using namespace tandemq::repl;
using test::Pki;

namespace {

struct Files {
  test::TempDir folder;
  Pki pki{folder.path(), "authority"};
  Pki stranger{folder.path(), "stranger"};

  LinkTlsFiles issue(Pki& by, const std::string& file, const std::string& uri, long days = 30) {
    const Pki::Issued issued = by.issue(file, {file, uri.empty() ? "" : "URI:" + uri, false, days});
    return {issued.certfile, issued.keyfile, by.cafile()};
  }
  LinkTlsFiles a = issue(pki, "a", "tandemq://test/a");
  LinkTlsFiles b = issue(pki, "b", "tandemq://test/b");
  static Files& get() {
    static Files files;
    return files;
  }
};

DriverPair pair_with(const LinkTlsFiles& a, const LinkTlsFiles& b) {
  return DriverPair([&](ReplicatorConfig& config) { config.tls = config.node_index == 1 ? a : b; });
}

// Neither pairs; both say why in status, in these words.
void check_apart(const LinkTlsFiles& a, const LinkTlsFiles& b, const std::string& told_a,
                 const std::string& told_b) {
  DriverPair pair = pair_with(a, b);
  pair.start_both();
  const auto refused = [](const DriverNode& node) { return node.replicator->meeting().refused; };
  CHECK(pair.run_until([&] { return !refused(pair.a).empty() && !refused(pair.b).empty(); }, 5000));
  CAPTURE(refused(pair.a));
  CAPTURE(refused(pair.b));
  CHECK(refused(pair.a).find(told_a) != std::string::npos);
  CHECK(refused(pair.b).find(told_b) != std::string::npos);
  CHECK(pair.a.logged("refused"));
  CHECK(pair.b.logged("refused"));
  pair.run_for(1000);
  CHECK_FALSE(pair.a.status().peer_connected);
  CHECK_FALSE(pair.b.status().peer_connected);
  CHECK(pair.a.log.size() < 20);
  CHECK(pair.b.log.size() < 20);
}

std::string error_of(const LinkTlsFiles& files) {
  LinkTls tls(files, "test", "a", "b");
  const Status loaded = tls.load();
  REQUIRE_FALSE(loaded);
  return loaded.error().message;
}

bool has(const std::string& text, const std::string& part) {
  CAPTURE(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a pair over TLS streams what is small and what is large, and comes back when cut") {
  DriverPair pair = pair_with(Files::get().a, Files::get().b);
  pair.pair_up();
  pair.write(pair.a, 0, 1000);
  for (int i = 0; i < 30; ++i) pair.a.append(std::string(700'000, static_cast<char>('a' + i % 26)));
  pair.a.replicator->end_of_turn();
  REQUIRE(pair.run_until([&] { return all_committed(pair.a); }, 20'000));
  REQUIRE(pair.run_until([&] { return pair.b.host.last() == pair.a.status().last; }, 20'000));
  CHECK(pair.a.host.state_hash() == pair.b.host.state_hash());

  pair.kill(pair.b);
  pair.start(pair.b);
  REQUIRE(pair.run_until([&] { return pair.paired(pair.a, pair.b); }));
  CHECK(pair.a.host.state_hash() == pair.b.host.state_hash());
}

TEST_CASE("who shows another's certificate is turned away, and both say whose it was") {
  Files& files = Files::get();
  const LinkTlsFiles both = files.issue(files.pki, "both", "tandemq://test/a,URI:tandemq://test/c");
  // b expects a; a is told by b's word.
  DriverPair pair([&](ReplicatorConfig& config) {
    config.tls = config.node_index == 1 ? both : files.b;
    if (config.node_index == 2) config.peer_name = "other";
  });
  pair.start_both();
  for (const DriverNode* node : {&pair.a, &pair.b}) {
    const auto told = [&] { return node->replicator->meeting().refused; };
    CHECK(pair.run_until([&] { return !told().empty(); }));
    CHECK(has(told(), "tandemq://test/b expects tandemq://test/other"));
    CHECK(has(told(), "a certificate of tandemq://test/a, tandemq://test/c"));
  }
  CHECK_FALSE(pair.b.status().peer_connected);
}

TEST_CASE("another authority, and a certificate that is out of date") {
  Files& files = Files::get();
  const LinkTlsFiles other = files.issue(files.stranger, "other", "tandemq://test/a");
  check_apart(other, files.b, "is not signed by an authority in replication.cafile",
              "does not know who signed the certificate of this node");
  const LinkTlsFiles old_a = files.issue(files.pki, "old_a", "tandemq://test/a", -1);
  check_apart(old_a, files.b, "out of date: renew it", "out of date: renew it");
  const LinkTlsFiles old_b = files.issue(files.pki, "old_b", "tandemq://test/b", -1);
  check_apart(files.a, old_b, "out of date: renew it", "out of date: renew it");
}

TEST_CASE("TLS at one end alone is told in words at both, whichever it is") {
  Files& files = Files::get();
  check_apart({}, files.b, "node b has TLS on the replication link and node a has none",
              "node b has TLS on the replication link and node a has none");
  check_apart(files.a, {}, "node a has TLS on the replication link and node b has none",
              "node a has TLS on the replication link and node b has none");
}

// The first reading, of the certificate, gets what a pipe gives; while it waits there, another file
// takes the pipe's place.
TEST_CASE("a file of certificate and key that is exchanged between its two readings is read anew") {
  Files& files = Files::get();
  const auto combined = [&files](const LinkTlsFiles& of, const std::string& name) {
    std::string path = files.folder / name;
    std::ofstream(path) << std::ifstream(of.certfile).rdbuf() << std::ifstream(of.keyfile).rdbuf();
    return path;
  };
  const std::string old = combined(files.a, "combined_old");
  const std::string fresh =
      combined(files.issue(files.pki, "fresh", "tandemq://test/a"), "combined_fresh");
  const std::string pipe = files.folder / "pipe", shown = files.folder / "combined";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  std::filesystem::create_symlink(pipe, shown);
  std::thread exchange([&] {
    std::ofstream out(pipe);  // waits for who reads
    std::filesystem::rename(fresh, shown);
    out << std::ifstream(old).rdbuf();
  });
  LinkTls tls({shown, "", files.a.cafile}, "test", "a", "b");
  const Status loaded = tls.load();
  exchange.join();
  CHECK_MESSAGE(static_cast<bool>(loaded), loaded.error().message);
}

TEST_CASE("files that cannot be meant are refused with key, file and remedy") {
  Files& files = Files::get();
  CHECK(has(error_of({"/none", "", files.a.cafile}), "replication.certfile /none cannot be read"));
  CHECK(has(error_of({files.a.certfile, files.b.keyfile, files.a.cafile}),
            "replication.keyfile " + files.b.keyfile + " is not the key of the certificate"));
  CHECK(has(error_of(files.b),
            "is a certificate of tandemq://test/b, and this node is "
            "tandemq://test/a; issue it with `tandemqctl pki issue`"));
  const LinkTlsFiles nobody = files.issue(files.pki, "nobody", "");
  CHECK(has(error_of(nobody), "is a certificate of no node"));
  CHECK(has(error_of({files.a.certfile, files.a.keyfile, files.stranger.cafile()}),
            "does not hold before replication.cafile " + files.stranger.cafile()));
}

TEST_CASE("files are read again without a loss of the link; a bad one keeps what was there") {
  Files& files = Files::get();
  const LinkTlsFiles own = files.issue(files.pki, "renewed", "tandemq://test/a");
  DriverPair pair = pair_with(own, files.b);
  pair.pair_up();
  const auto connects = [&] { return pair.a.replicator->link_figures().connects_total; };
  const std::uint64_t before = connects();
  files.issue(files.pki, "renewed", "tandemq://test/a", 60);
  CHECK(pair.a.tls->load());
  std::ofstream(own.certfile) << "nonsense";
  CHECK_FALSE(pair.a.tls->load());
  pair.write(pair.a, 0, 100);
  REQUIRE(pair.run_until([&] { return all_committed(pair.a); }));
  CHECK(connects() == before);
  pair.kill(pair.b);
  pair.start(pair.b);  // with what was read last
  CHECK(pair.run_until([&] { return pair.paired(pair.a, pair.b); }));
}

TEST_CASE("a reload after which the peer would not be let in ends the link, with words") {
  Files& files = Files::get();
  const std::string cafile = files.folder.path() + "/authorities.pem";
  std::ofstream(cafile) << std::ifstream(files.pki.cafile()).rdbuf();
  LinkTlsFiles own = files.issue(files.pki, "moving", "tandemq://test/a");
  own.cafile = cafile;
  DriverPair pair = pair_with(own, files.b);
  pair.pair_up();
  files.issue(files.stranger, "moving", "tandemq://test/a");
  std::ofstream(cafile) << std::ifstream(files.stranger.cafile()).rdbuf();
  REQUIRE(pair.a.tls->load());
  CHECK_FALSE(pair.a.status().peer_connected);
  CHECK(has(pair.a.replicator->meeting().refused, "the peer's certificate is refused"));
  CHECK(pair.run_until([&] { return !pair.b.replicator->meeting().refused.empty(); }));
}

TEST_CASE("who has begun by files that were replaced meanwhile is not let in by them") {
  Files& files = Files::get();
  DriverPair pair = pair_with(files.a, files.b);
  pair.start(pair.b);
  LinkTls dialler(files.a, "test", "a", "b");
  REQUIRE(dialler.load());
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(pair.b.config.listen_port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  std::string out;
  LinkCipher cipher(dialler, true, out);
  cipher.shake();
  REQUIRE(::send(fd, out.data(), out.size(), 0) == static_cast<ssize_t>(out.size()));
  pair.run_for(100);  // b has answered
  REQUIRE(pair.b.tls->load());
  pair.run_for(50);
  std::string answer(64 << 10, '\0');
  while (::recv(fd, answer.data(), answer.size(), MSG_DONTWAIT) > 0) {
  }
  CHECK(::recv(fd, answer.data(), answer.size(), MSG_DONTWAIT) == 0);  // closed
  ::close(fd);
}

TEST_CASE("keys are changed under way, as often as it takes") {
  Files& files = Files::get();
  LinkTls a(files.a, "test", "a", "b"), b(files.b, "test", "b", "a");
  REQUIRE((a.load() && b.load()));
  std::string from_a, from_b, heard, plain(LinkCipher::kPlainMax, '\0');
  LinkCipher one(a, true, from_a, 3), other(b, false, from_b, 3);
  const auto move = [](std::string& bytes, LinkCipher& to) {
    const std::size_t size = std::min(bytes.size(), LinkCipher::kRoom);
    std::copy_n(bytes.begin(), size, to.room());
    bytes.erase(0, size);
    to.received(size);
  };
  one.shake();
  for (int i = 0; i < 3 && !(one.shaken() && other.shaken()); ++i) {
    move(from_a, other);
    other.shake();
    move(from_b, one);
    if (!one.shaken()) one.shake();
  }
  REQUIRE((one.shaken() && other.shaken()));
  std::string sent;
  for (int i = 0; i < 300; ++i) {
    const std::string body(static_cast<std::size_t>(i) * 397, static_cast<char>('a' + i % 26));
    REQUIRE(one.seal("head", body));
    sent += "head" + body;
    move(from_a, other);
    std::size_t size = 0;
    while (other.read(plain.data(), plain.size(), size) == LinkCipher::Io::done) {
      heard.append(plain, 0, size);
    }
    REQUIRE(other.failure() == "");
  }
  CHECK(heard == sent);
}
