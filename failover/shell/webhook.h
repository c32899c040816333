// Posts a JSON object to the configured URL at every change of role. Nothing waits for it: what
// cannot be delivered in five seconds, or does not fit the queue, is logged and dropped.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

struct event_base;

namespace tandemq::failover {

class Webhook {
 public:
  // An empty URL: post() does nothing.
  Webhook(event_base* base, std::string url);
  ~Webhook();
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;

  void post(const std::string& body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandemq::failover
