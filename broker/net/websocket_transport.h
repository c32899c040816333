// WebSocket over any other transport (TCP, TLS), server's side: binary frames carry the bytes,
// their borders mean nothing (MQTT 5.0, 6). Frames are libwslay's.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "broker/net/transport.h"
#include "broker/net/websocket_upgrade.h"

struct wslay_event_context;
struct wslay_event_on_frame_recv_start_arg;
struct wslay_event_on_frame_recv_chunk_arg;

namespace tandemq::net {

class WebSocketTransport final : public Transport, private TransportUser {
 public:
  // As TlsTransport::Failed.
  using Failed = std::function<void(const std::string& address, const std::string& reason)>;

  // `below` is connected; `settings` and `failed` outlive it.
  WebSocketTransport(std::unique_ptr<Transport> below, const WebSocketSettings& settings,
                     const Failed& failed);
  ~WebSocketTransport() override;
  WebSocketTransport(const WebSocketTransport&) = delete;
  WebSocketTransport& operator=(const WebSocketTransport&) = delete;

  IoResult read(char* to, std::size_t size_max) override;
  IoResult write(std::string_view bytes) override;
  void shut() override;
  void want(Ready what) override;
  bool pending() const override;
  std::string peer_address() const override { return below_->peer_address(); }
  std::string peer_certificate() const override { return below_->peer_certificate(); }
  bool peer_trusted() const override { return below_->peer_trusted(); }

 private:
  enum class Phase : std::uint8_t { upgrading, open, over };
  struct Callbacks;  // what libwslay calls

  void transport_ready(Ready what) override;
  void upgrade();
  void receive(std::size_t size_max);
  void send_queued();
  void flush();
  void fail(const std::string& reason);
  void rearm();

  std::unique_ptr<Transport> below_;
  const WebSocketSettings& settings_;
  const Failed& failed_;
  wslay_event_context* frames_ = nullptr;
  Ready wanted_;
  Phase phase_ = Phase::upgrading;
  std::string in_;           // the request; then what came behind it
  std::string payload_;      // of frames, not read yet
  std::string out_;          // frames that the transport below has not taken
  std::size_t allowed_ = 0;  // bytes that receive() may still take from below
  bool takes_ = false;       // the frame that comes in is one of data
  bool end_told_ = false;
  bool more_ = false;  // it was stopped by that
  bool below_ended_ = false;
  bool shut_when_sent_ = false;
};

}  // namespace tandemq::net
