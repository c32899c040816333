#include "broker/shell/recovery_door.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "broker/base/check.h"

namespace tandemq::broker {

using nlohmann::json;

RecoveryDoor::RecoveryDoor() : base_(event_base_new()), end_fd_(eventfd(0, EFD_CLOEXEC)) {
  TMQ_CHECK(base_ != nullptr && end_fd_ >= 0);
  event_assign(
      &end_event_, base_, end_fd_, EV_READ,
      [](evutil_socket_t, short, void* base) {
        event_base_loopbreak(static_cast<event_base*>(base));
      },
      base_);
  event_add(&end_event_, nullptr);
}

Result<std::unique_ptr<RecoveryDoor>> RecoveryDoor::open(const std::string& path) {
  std::unique_ptr<RecoveryDoor> door(new RecoveryDoor);
  auto server = ControlServer::open(
      door->base_, path,
      [self = door.get()](ControlServer::ClientId client, std::string_view line) {
        self->on_line(client, line);
      },
      [](ControlServer::ClientId) {});
  if (!server) return server.error();
  door->server_ = std::move(server).value();
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  door->thread_ = std::thread([self = door.get()] { event_base_dispatch(self->base_); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return door;
}

RecoveryDoor::~RecoveryDoor() {
  const std::uint64_t one = 1;
  if (thread_.joinable() && write(end_fd_, &one, sizeof(one)) == sizeof(one)) thread_.join();
  server_.reset();
  event_del(&end_event_);
  event_base_free(base_);
  close(end_fd_);
}

void RecoveryDoor::tell(std::string doing) {
  const std::lock_guard lock(mutex_);
  doing_ = std::move(doing);
}

void RecoveryDoor::on_line(ControlServer::ClientId client, std::string_view line) {
  const json request = json::parse(line, nullptr, false);
  json answer{{"ok", true}};
  if (request.is_object() && request.contains("id")) answer["id"] = request["id"];
  if (!request.is_object() || request.value("cmd", json()) != "ping") {
    const std::lock_guard lock(mutex_);
    answer["ok"] = false;
    answer["code"] = "recovering";
    answer["error"] = "the broker has just started and " + doing_ + "; ask again";
  }
  server_->send(client, answer.dump(-1, ' ', false, json::error_handler_t::replace));
  if (!request.is_object()) server_->close_after_send(client);  // garbage, as on the real one
}

}  // namespace tandemq::broker
