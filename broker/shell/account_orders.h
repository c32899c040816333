// Orders about the users and roles that both nodes keep: whether they can be done here, what they
// end, and their answers, which wait until the record is committed.
#pragma once

#include <deque>
#include <string>

#include "broker/access/access.h"
#include "broker/base/ids.h"
#include "broker/clients/clients.h"
#include "broker/core/accounts.h"
#include "broker/core/engine.h"
#include "broker/shell/orders.h"
#include "replicator/core/types.h"

namespace tandemq::broker {

class AccountOrders {
 public:
  // All outlive it.
  AccountOrders(Access& access, Clients& clients, const core::State& state, core::Effects& effects)
      : access_(access), clients_(clients), state_(state), effects_(effects) {}

  // Of a node that leads. `engine`: null while it hands over. `by`: who wants it, for the log.
  void change(core::Engine* engine, core::AccountOrder order, const std::string& by,
              Orders::Answer<Done> done);
  void committed(Lsn lsn);
  // Those that wait are not committed here any more.
  void end_reign();

 private:
  static constexpr std::size_t kWaitingMax = 256;
  struct Waiting {
    Lsn lsn;
    Orders::Answer<Done> done;
  };
  Status carry_out(core::Engine* engine, core::AccountOrder& order);
  void answer_first(const Status& status);

  Access& access_;
  Clients& clients_;
  const core::State& state_;
  core::Effects& effects_;
  std::deque<Waiting> waiting_;  // by LSN
};

// What a node says that does not lead: who does, if it knows.
Error ask_the_primary(const repl::ReplicaStatus& status, const std::string& peer);

}  // namespace tandemq::broker
