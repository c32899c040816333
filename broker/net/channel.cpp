#include "broker/net/channel.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tandemq::net {

Channel::Channel(std::uint64_t id, std::unique_ptr<Transport> transport, ChannelUser& user,
                 ChannelPool& pool)
    : id_(id), transport_(std::move(transport)), user_(user), pool_(pool) {
  transport_->attach(*this);
}

Channel::~Channel() {
  pool_.sending.remove(*this);
  pool_.sending.traffic.unsent -= unsent();
}

// A short rest is joined with what comes in the shared buffer; a long one grows where it is.
Io Channel::read(std::size_t size_max) {
  char* const buffer = pool_.input.data();
  const bool joined = rest_ && rest_->size() <= ChannelPool::kHeadroom;
  const std::size_t head = joined ? rest_->size() : 0;
  if (joined) std::memcpy(buffer, rest_->data(), head);
  const IoResult got =
      transport_->read(buffer + head, std::min(size_max, ChannelPool::kReadSizeMax));
  if (got.io != Io::done) return got.io;
  pool_.sending.traffic.received += got.size;
  if (rest_ && !joined) {
    rest_->append(buffer, got.size);
    input_ = *rest_;
  } else {
    rest_.reset();
    input_ = {buffer, head + got.size};
  }
  return Io::done;
}

void Channel::keep(std::size_t size) {
  if (rest_) {
    rest_->erase(0, rest_->size() - size);
    if (size == 0) rest_.reset();
  } else if (size > 0) {
    rest_ = std::make_unique<std::string>(input_.substr(input_.size() - size));
  }
  input_ = rest_ ? std::string_view(*rest_) : std::string_view();
}

void Channel::listen(bool on) {
  listening_ = on;
  rearm();
}

void Channel::watch(bool on) {
  watching_ = on;
  rearm();
}

void Channel::send() {
  if (broken_) return;
  write_unsent();
  if (unsent() > 0 || broken_) return;
  if (unsent_) pool_.sending.give_back(std::move(unsent_));
  if (!finishing_ || shut_) return;
  transport_->shut();
  shut_ = true;
  rearm();
}

void Channel::write_unsent() {
  if (unsent() == 0) return;
  Traffic& traffic = pool_.sending.traffic;
  const std::string_view bytes = unsent_->bytes;
  const IoResult written = transport_->write(bytes.substr(unsent_->sent));
  ++traffic.sends;
  if (written.io == Io::ended) {
    traffic.unsent -= unsent();
    unsent_.reset();
    broken_ = true;
    rearm();
    return pool_.sending.add(*this);
  }
  traffic.sent += written.size;
  traffic.unsent -= written.size;
  unsent_->sent += written.size;
  if (unsent() == 0) return;
  blocked_ = true;
  rearm();
  if (unsent_->sent < kCompactAt) return;
  unsent_->bytes.erase(0, unsent_->sent);
  unsent_->sent = 0;
}

void Channel::flush() {
  queued_at_ = kNotQueued;
  if (!blocked_) send();
  if (broken_) user_.channel_lost(id_);
}

// Closing with input unread would reset the connection and could take the last bytes from the other
// end, so the write side is shut first.
void Channel::finish() {
  if (finishing_) return;
  finishing_ = true;
  rest_.reset();
  input_ = {};
  if (unsent() > 0) return pool_.sending.add(*this);
  send();
}

void Channel::rearm() {
  const bool reads = shut_ || (listening_ && !finishing_);
  const bool watches = watching_ && !reads && !finishing_;
  transport_->want({reads && !broken_, blocked_ && !broken_, watches && !broken_});
}

void Channel::transport_ready(Ready what) {
  if (broken_) return;
  if (what.write) {
    blocked_ = false;
    send();
    if (broken_) return user_.channel_lost(id_);
    user_.channel_writable(id_);
    rearm();
  }
  if (what.gone && watching_) return user_.channel_lost(id_);
  if (!what.read) return;
  if (shut_) return discard();
  if (listening_ && !finishing_) user_.channel_readable(id_);
}

void Channel::discard() {
  const IoResult got = transport_->read(pool_.input.data(), pool_.input.size());
  if (got.io == Io::ended) user_.channel_lost(id_);
}

}  // namespace tandemq::net
