// What the control socket may ask of the node.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "broker/core/accounts.h"
#include "broker/shell/node_status.h"

namespace tandemq::broker {

// All calls on the loop. A refusal's Error says why in a sentence. `done` may be called before the
// call returns.
class Orders {
 public:
  template <class T>
  using Answer = std::function<void(Result<T>)>;

  virtual ~Orders() = default;
  virtual NodeStatus status() = 0;
  // `stands`: as of Replicator::promote.
  virtual Result<Epoch> promote(Epoch at_least, bool force, const std::string& reason,
                                const std::function<bool()>& stands) = 0;
  virtual Status demote(const std::string& reason) = 0;
  virtual Status solo(const std::string& authority) = 0;
  virtual Status lose_sync(const std::string& reason) = 0;
  virtual void switchover(const std::string& reason, Answer<Done> done) = 0;
  virtual void leave(const std::string& reason, Answer<Done> done) = 0;
  virtual void checkpoint(Answer<Lsn> done) = 0;
  // Of the state after the last record; equal on both nodes at equal LSN and history.
  virtual std::uint64_t state_hash() = 0;
  // A user or role of the journal becomes as wanted; answered when both nodes have it. `by`: who
  // wants it, for the log.
  virtual void change_account(core::AccountOrder order, const std::string& by,
                              Answer<Done> done) = 0;
  // Those that this node has; a standby's may be behind.
  virtual const core::Accounts& accounts() = 0;
  // Reads again what SIGHUP does. An error says what stays as it was.
  virtual Status reload() = 0;
  virtual void shutdown() = 0;
};

}  // namespace tandemq::broker
