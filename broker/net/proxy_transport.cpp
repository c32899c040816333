#include "broker/net/proxy_transport.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "broker/net/proxy_header.h"

namespace tandemq::net {

ProxyTransport::ProxyTransport(std::unique_ptr<Transport> below, const Failed& failed)
    : below_(std::move(below)), failed_(failed) {
  below_->attach(*this);
  rearm();
}

IoResult ProxyTransport::read(char* to, std::size_t size_max) {
  if (phase_ == Phase::introducing) return {Io::later};
  if (phase_ == Phase::over) {
    end_told_ = true;
    return {Io::ended};
  }
  if (in_.empty()) return below_->read(to, size_max);
  const std::size_t size = std::min(size_max, in_.size());
  std::memcpy(to, in_.data(), size);
  in_.erase(0, size);
  if (in_.empty()) std::string().swap(in_);
  return {Io::done, size};
}

IoResult ProxyTransport::write(std::string_view bytes) {
  return phase_ == Phase::over ? IoResult{Io::ended} : below_->write(bytes);
}

void ProxyTransport::want(Ready what) {
  wanted_ = what;
  rearm();
}

bool ProxyTransport::pending() const {
  if (phase_ != Phase::open) return phase_ == Phase::over && !end_told_;
  return !in_.empty() || below_->pending();
}

void ProxyTransport::rearm() {
  if (phase_ == Phase::introducing) return below_->want({true, wanted_.write, false});
  below_->want(wanted_);
}

void ProxyTransport::transport_ready(Ready what) {
  bool readable = what.read && wanted_.read;
  if (phase_ == Phase::introducing && what.read) {
    take_header();
    rearm();
    readable = wanted_.read && pending();
  }
  const Ready told{readable, what.write && wanted_.write, what.gone && wanted_.gone};
  if (told != Ready{}) user_->transport_ready(told);
}

void ProxyTransport::take_header() {
  char piece[kProxyHeaderMax];
  const IoResult got = below_->read(piece, sizeof piece);
  if (got.io == Io::ended) return fail("it closed before the PROXY header was whole");
  in_.append(piece, got.size);
  ProxyHeader header = read_proxy_header(in_);
  if (header.verdict == ProxyHeader::Verdict::need_more) return;
  if (header.verdict == ProxyHeader::Verdict::refused) return fail(header.reason);
  in_.erase(0, header.size);
  in_.shrink_to_fit();
  address_ = std::move(header.address);
  phase_ = Phase::open;
}

void ProxyTransport::fail(const char* reason) {
  phase_ = Phase::over;
  below_->shut();
  failed_(below_->peer_address(), reason);
}

}  // namespace tandemq::net
