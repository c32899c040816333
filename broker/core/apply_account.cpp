#include "broker/core/state_impl.h"

namespace tandemq::core {

void State::Impl::apply(Lsn lsn, const AccountSet& r, const Audience*) {
  note(lsn);
  if (r.exists) return keep_account(r.account);
  Accounts::Named& named = accounts.of(r.account.kind);
  named.erase(named.find(r.account.name));
}

void State::Impl::keep_account(const AccountFields& fields) {
  Account& account = accounts.of(fields.kind)[std::string(fields.name)];
  account.enabled = fields.enabled;
  account.password = fields.password;
  account.lines.assign(fields.lines.begin(), fields.lines.end());
}

}  // namespace tandemq::core
