// The one connection between the two nodes. The node with the lower index dials, the other one
// listens; a lost link is dialled again at once, then every 10, 20, 50, 50, ... ms. A stranger on
// the port never disturbs a link that works: a connection takes its place only after a Hello of
// the right pair and node, with TLS after the peer's certificate.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "replicator/core/wire.h"
#include "replicator/driver/ports.h"
#include "replicator/shell/link_address.h"
#include "replicator/shell/link_stream.h"
#include "replicator/shell/link_tls.h"

struct event;
struct event_base;

namespace tandemq::repl {

struct LinkConfig {
  bool dials = true;
  NodeIdentity self;
  std::string listen_address;
  std::uint16_t listen_port = 0;
  std::string peer_address;
  std::uint16_t peer_port = 0;
  std::uint32_t silence_ms = 250;
  LinkTls* tls = nullptr;  // outlives the link; null: plain
};

class Link final : public PeerLink {
 public:
  Link(event_base* base, LinkConfig config);
  ~Link() override;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  Status start(LinkHost& host) override;
  void stop() override;
  void send(const Message& message) override;
  // The frames are not copied unless the socket is full.
  void send_records(std::string_view frames) override;
  std::size_t unsent() const override;
  void drop(bool back_off) override;
  LinkFigures figures() const override;
  std::uint16_t listening_port() const override { return port_; }

 private:
  Status listen();
  void accept_all();
  void take_candidate(int fd, const std::string& where);
  std::unique_ptr<LinkStream> stream_of(int fd, std::uint32_t message_max);
  bool is_known(LinkStream& stream, const std::string& where);
  void turn_away(LinkStream& stream, const std::string& where, const std::string& reason);
  void adopt(std::unique_ptr<LinkStream> stream);
  void wire_up(LinkStream& stream);
  void candidate_message(LinkStream* stream, const std::string& where, const Message& message);
  void link_message(const Message& message);
  void lost(const LinkStream::End& end);
  void bury_link();
  void judge_again();
  void refused(const std::string& reason);
  void reap();
  // link_dial.cpp
  void dial();
  void dial_later(bool back_off);
  void dialled(bool connected);
  void reached();
  void not_reached(const LinkStream::End& end);
  void ask(std::unique_ptr<LinkStream> stream);

  static constexpr std::uint32_t kHelloTimeoutMs = 2000;  // and the handshake before it

  event_base* base_;
  const LinkConfig config_;
  const std::string unlike_;  // to a peer that has TLS where this node has none, or the reverse
  LinkHost* host_ = nullptr;  // since start()
  LinkFigures figures_;       // its bytes are those of links that are over
  std::uint64_t refusal_told_ms_ = 0;
  std::string failure_told_;  // of a handshake that we began
  LinkAddress peer_;
  int listen_fd_ = -1;
  std::uint16_t port_ = 0;
  ::event* accept_event_ = nullptr;
  ::event* dial_timer_ = nullptr;
  unsigned attempts_ = 0;          // since the link was last up
  std::uint32_t back_off_ms_ = 0;  // 0: the peer was right the last time
  bool stopped_ = false;
  std::unique_ptr<LinkStream> link_;
  std::unique_ptr<LinkStream> dialling_;
  std::unique_ptr<LinkStream> asking_;
  std::vector<std::unique_ptr<LinkStream>> candidates_;  // accepted, no Hello yet
  std::vector<std::unique_ptr<LinkStream>> graveyard_;   // closed, perhaps still on the stack
};

}  // namespace tandemq::repl
