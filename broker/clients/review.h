// After password, key, certificate and revocation files were read again, or users were changed: who
// would not be let in any more is sent away, a few a turn.
#pragma once

#include <vector>

#include "broker/access/authenticator.h"
#include "broker/clients/client_table.h"
#include "broker/clients/reign.h"
#include "broker/clients/stages.h"

namespace tandemq::broker {

class Review {
 public:
  // All outlive it.
  Review(const Reign& reign, ClientTable& table, Stages& stages, const Turn& turn,
         const Authenticator& authenticator)
      : reign_(reign), table_(table), stages_(stages), turn_(turn), authenticator_(authenticator) {}

  // Of all that are served. Passwords are compared now: the file before is known only until the
  // next is read.
  void begin();
  // A turn's share: certificates are verified, which takes time.
  void go_on();
  bool pending() const { return !left_.empty(); }

 private:
  struct One {
    core::ConnId conn;
    const char* why;  // it has to go; null: it may stay while its certificate is good
  };

  const char* taken_away(const Client& client) const;

  const Reign& reign_;
  ClientTable& table_;
  Stages& stages_;
  const Turn& turn_;
  const Authenticator& authenticator_;
  std::vector<One> left_;
};

}  // namespace tandemq::broker
