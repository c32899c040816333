// The Prometheus endpoint. Its thread never touches the node: it reads the copy of NodeStatus that
// the loop publishes about once a second.
#pragma once

#include <memory>
#include <string>

#include "broker/base/result.h"
#include "broker/shell/node_status.h"

namespace tandemq::broker {

class Metrics {
 public:
  // `listen` is "ADDRESS:PORT". An error (code 3) says why it cannot be served.
  static Result<std::unique_ptr<Metrics>> serve(const std::string& listen);
  virtual ~Metrics() = default;
  virtual void publish(const NodeStatus& status) = 0;
};

}  // namespace tandemq::broker
