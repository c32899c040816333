// Posts a JSON object to the configured URL at every change of role. Nothing waits for it: what
// cannot be delivered in five seconds, or does not fit the queue, is logged and dropped. A thread
// of its own does it, for looking up a name may take as long as the resolver likes, also to give
// up.
#pragma once

#include <memory>
#include <string>

namespace tandemq::failover {

class Webhook {
 public:
  // An empty URL: post() does nothing.
  explicit Webhook(const std::string& url);
  ~Webhook();  // leaves what is under way to its thread
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;

  void post(std::string body);

 private:
  struct Queue;
  std::shared_ptr<Queue> queue_;  // null without a URL
};

}  // namespace tandemq::failover
