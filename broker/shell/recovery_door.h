// The control socket while the node recovers its state, which can take minutes: a thread of its own
// answers each ping, and everything else with how far it is. So nobody takes the process for hung,
// and no status is told that is not known yet.
#pragma once

#include <event2/event_struct.h>

#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "broker/support/control_server.h"

struct event_base;

namespace tandemq::broker {

class RecoveryDoor {
 public:
  // An error (code 3) says why the socket cannot be opened.
  static Result<std::unique_ptr<RecoveryDoor>> open(const std::string& path);
  // Closes the socket; whoever was connected comes again.
  ~RecoveryDoor();
  RecoveryDoor(const RecoveryDoor&) = delete;
  RecoveryDoor& operator=(const RecoveryDoor&) = delete;

  // What is being done: "reads its checkpoint, 30 of 100 rows".
  void tell(std::string doing);

 private:
  RecoveryDoor();
  void on_line(ControlServer::ClientId client, std::string_view line);

  event_base* base_;
  int end_fd_;  // readable: the thread is to end
  struct event end_event_ {};
  std::mutex mutex_;
  std::string doing_ = "opens its data";
  std::unique_ptr<ControlServer> server_;  // of the thread, once it runs
  std::thread thread_;
};

}  // namespace tandemq::broker
