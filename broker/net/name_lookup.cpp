#include "broker/net/name_lookup.h"

#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

namespace tandemq::net {
namespace {

// Whether the host has this family of addresses: IPv6 may be switched off.
bool is_spoken(int family) {
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

NameLookup::Found look_up(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  NameLookup::Found out;
  out.error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (out.error != 0) return out;
  for (const addrinfo* one = found; one; one = one->ai_next) {
    if (!is_spoken(one->ai_family) && (one->ai_next || !out.addresses.empty())) continue;
    sockaddr_storage address{};
    std::memcpy(&address, one->ai_addr, one->ai_addrlen);
    if (std::none_of(out.addresses.begin(), out.addresses.end(), [&](const auto& other) {
          return std::memcmp(&other, &address, sizeof address) == 0;
        })) {
      out.addresses.push_back(address);
    }
  }
  freeaddrinfo(found);
  return out;
}

}  // namespace

struct NameLookup::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  bool over = false;
  Found found;
};

NameLookup::NameLookup(const std::string& host, std::uint16_t port)
    : shared_(std::make_shared<Shared>()) {
  shared_->over = host.empty();  // a path is listened on
  if (shared_->over) return;
  std::thread([shared = shared_, host, port = std::to_string(port)] {
    Found found = look_up(host, port);
    const std::lock_guard lock(shared->mutex);
    shared->found = std::move(found);
    shared->over = true;
    shared->changed.notify_all();
  }).detach();
}

const NameLookup::Found* NameLookup::wait(std::chrono::milliseconds at_most) const {
  std::unique_lock lock(shared_->mutex);
  const bool over = shared_->changed.wait_for(lock, at_most, [this] { return shared_->over; });
  return over ? &shared_->found : nullptr;
}

}  // namespace tandemq::net
