#include "tests/bench/loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "broker/base/check.h"

namespace tandemq::bench {

std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * ns_per_s +
         static_cast<std::uint64_t>(now.tv_nsec);
}

Loop::Loop() : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)), receive_buffer_(std::size_t{256} * 1024) {
  TMQ_CHECK(epoll_fd_ >= 0);
}

Loop::~Loop() {
  close(epoll_fd_);
}

void Loop::add(int fd, std::uint32_t events, Pollable* owner) {
  epoll_event event{events, {.ptr = owner}};
  TMQ_CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0);
}

void Loop::change(int fd, std::uint32_t events, Pollable* owner) {
  epoll_event event{events, {.ptr = owner}};
  TMQ_CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0);
}

void Loop::remove(int fd, Pollable* owner) {
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  removed_.push_back(owner);
}

void Loop::turn(std::uint64_t deadline_ns) {
  flush_all();
  const std::uint64_t now = now_ns();
  const std::uint64_t wait = deadline_ns > now ? deadline_ns - now : 0;
  const timespec timeout{static_cast<time_t>(wait / ns_per_s), static_cast<long>(wait % ns_per_s)};
  std::array<epoll_event, 512> events;
  const int count =
      epoll_pwait2(epoll_fd_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  removed_.clear();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    auto* owner = static_cast<Pollable*>(event.data.ptr);
    if (std::find(removed_.begin(), removed_.end(), owner) != removed_.end()) continue;
    owner->on_events(event.events);
  }
  flush_all();
}

void Loop::flush_all() {
  writing_.swap(dirty_);
  for (Pollable* owner : writing_) owner->flush();
  writing_.clear();
}

}  // namespace tandemq::bench
