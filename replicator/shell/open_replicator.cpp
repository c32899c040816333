#include "replicator/shell/open_replicator.h"

#include "replicator/shell/file_folder.h"
#include "replicator/shell/link.h"
#include "replicator/shell/loop_runtime.h"

namespace tandemq::repl {
namespace {

std::unique_ptr<PeerLink> make_link(event_base* base, const ReplicatorConfig& config,
                                    LinkTls& tls) {
  if (config.single) return nullptr;
  LinkConfig link;
  link.self = {config.software, config.pair_id, config.node_index, config.node_name,
               config.peer_name};
  link.dials = config.node_index == 1;
  link.listen_address = config.listen_address;
  link.listen_port = config.listen_port;
  link.peer_address = config.peer_address;
  link.peer_port = config.peer_port;
  link.silence_ms = config.peer_silence_ms;
  link.tls = tls.on() ? &tls : nullptr;
  return std::make_unique<Link>(base, link);
}

}  // namespace

Result<std::unique_ptr<Replicator>> open_replicator(
    event_base* base, const ReplicatorConfig& config, LinkTls& tls, ReplicatorHost& host,
    Lsn checkpoint_lsn, const std::function<void(const Replicator::Progress&)>& progress) {
  Ports ports;
  ports.runtime = std::make_unique<LoopRuntime>(base, config.log);
  ports.folder = std::make_unique<FileFolder>(base, config.data_dir, config.segment_bytes);
  ports.link = make_link(base, config, tls);
  return Replicator::open(std::move(ports), config, host, checkpoint_lsn, progress);
}

}  // namespace tandemq::repl
