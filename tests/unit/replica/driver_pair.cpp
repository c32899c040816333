#include "driver_pair.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "replicator/shell/open_replicator.h"

namespace tandemq::repl {
namespace {

// A port that was free a moment ago.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

}  // namespace

bool DriverNode::logged(const std::string& text) const {
  for (const std::string& line : log) {
    if (line.find(text) != std::string::npos) return true;
  }
  return false;
}

DriverPair::DriverPair(std::function<void(ReplicatorConfig&)> options) {
  base = event_base_new();
  const std::uint16_t ports[] = {free_port(), free_port()};
  unsigned index = 0;
  for (DriverNode* node : {&a, &b}) {
    ReplicatorConfig& config = node->config;
    config.node_index = ++index;
    config.node_name = index == 1 ? "a" : "b";
    config.peer_name = index == 1 ? "b" : "a";
    config.pair_id = "test";
    config.software = "1.0";
    config.known = config.baseline = features_with({{kFirstUserKind, 1}}, 1);
    config.data_dir = folder / config.node_name;
    config.listen_address = config.peer_address = "127.0.0.1";
    config.listen_port = ports[index - 1];
    config.peer_port = ports[2 - index];
    config.segment_bytes = 1 << 20;
    config.heartbeat_ms = 20;
    config.peer_silence_ms = 1000;  // shared machines pause
    config.log = [node](const char* level, const char* event, const std::string& reason) {
      node->log.push_back(std::string(level) + " " + event + " " + reason);
    };
    if (options) options(config);
    node->host.snapshot_path = folder / ("snapshot-" + config.node_name);
  }
}

DriverPair::~DriverPair() {
  a.replicator.reset();
  b.replicator.reset();
  event_base_free(base);
}

Status DriverPair::try_start(DriverNode& node) {
  node.host.load_image(node.host.checkpoint_image);
  const ReplicatorConfig& config = node.config;
  node.tls =
      std::make_unique<LinkTls>(config.tls, config.pair_id, config.node_name, config.peer_name);
  const Status loaded = node.tls->load();
  if (!loaded) return loaded;
  auto opened =
      open_replicator(base, node.config, *node.tls, node.host, node.host.checkpoint_lsn, nullptr);
  if (!opened) return opened.error();
  node.replicator = std::move(*opened);
  return node.replicator->start();
}

void DriverPair::start(DriverNode& node) {
  const Status started = try_start(node);
  if (!started) FAIL(started.error().message);
}

void DriverPair::kill(DriverNode& node) {
  node.replicator.reset();
}

bool DriverPair::run_until(const std::function<bool()>& condition, int ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    event_base_loop(base, EVLOOP_ONCE);
  }
  return true;
}

void DriverPair::run_for(int ms) {
  run_until([] { return false; }, ms);
}

bool DriverPair::paired(const DriverNode& primary, const DriverNode& standby) const {
  return primary.status().pair_state == PairState::paired &&
         standby.status().pair_state == PairState::paired && standby.status().in_sync;
}

void DriverPair::write(DriverNode& node, int from, int to) {
  for (int i = from; i < to; ++i) {
    node.append("r" + std::to_string(i));
    if (i % 7 == 0) node.replicator->end_of_turn();
  }
  node.replicator->end_of_turn();
  run_for(0);
}

bool all_committed(const DriverNode& node) {
  return node.host.committed_lsn == node.status().last;
}

std::string only_file(const std::filesystem::path& folder) {
  std::string found;
  if (!std::filesystem::exists(folder)) return found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) found = entry.path();
  return found;
}

void DriverPair::pair_up() {
  start_both();
  REQUIRE(run_until([this] { return a.status().in_sync && b.status().in_sync; }));
  REQUIRE(a.replicator->promote(0, false));
  REQUIRE(run_until([this] { return paired(a, b); }));
}

}  // namespace tandemq::repl
