// Log-ins by SCRAM-SHA-256, of users whose password entries are read here.
#include <optional>
#include <utility>

#include "broker/access/access.h"
#include "broker/access/scram.h"
#include "broker/support/random.h"

namespace tandemq::broker {
namespace {

constexpr std::size_t kNonceBytes = 16;

Exchange::Step refused(mqtt::Reason reason, Refusal why) {
  return {Verdict(reason, why), {}};
}

}  // namespace

class Access::ScramExchange final : public Exchange {
 public:
  ScramExchange(Access& access, Credentials who) : access_(access), who_(std::move(who)) {}

  Step take(std::string_view data) override { return server_ ? finish(data) : begin(data); }
  const std::string& user() const override { return server_ ? server_->user() : who_.username; }

 private:
  Step begin(std::string_view data);
  Step finish(std::string_view data);
  Refusal doubt_about(const ScramFirst& first) const;
  Refusal refusal_of(std::string_view data);

  Access& access_;
  const Credentials who_;
  std::optional<ScramServer> server_;  // from the client's first message on
};

Refusal Access::ScramExchange::doubt_about(const ScramFirst& first) const {
  if (!who_.certificate.empty() && first.user != who_.certificate)
    return "its certificate is another user's";
  if (who_.has_username && first.user != who_.username)
    return "it proves to be another user than it says";
  return nullptr;
}

Exchange::Step Access::ScramExchange::begin(std::string_view data) {
  ScramFirst first;
  if (Refusal why = read_scram_first(data, first))
    return refused(mqtt::Reason::not_authorized, why);
  if (Refusal why = doubt_about(first)) return refused(mqtt::Reason::bad_username_or_password, why);
  if (!access_.admits(who_.door, who_.address, first.user)) return {slowed_down(), {}};
  ScramVerifier verifier = access_.verifier_of(access_.doors_[who_.door], first.user);
  server_.emplace(std::move(first), random_hex(kNonceBytes), std::move(verifier));
  return {std::nullopt, server_->challenge()};
}

// The file may have been read again meanwhile, or the user changed.
Refusal Access::ScramExchange::refusal_of(std::string_view data) {
  const Refusal wrong = server_->check(data);
  const std::optional<PasswordHash> known =
      access_.password_of(access_.doors_[who_.door], server_->user());
  if (!known) return "there is no such user, or it is disabled or has no password";
  if (!known->is_scram()) {
    return "its password entry is of another kind than SCRAM needs; make it anew with `tandemqctl "
           "passwd --scram` or `tandemqctl user password --scram`";
  }
  if (known->verifier() != server_->verifier()) return "its password was changed meanwhile";
  return wrong;
}

Exchange::Step Access::ScramExchange::finish(std::string_view data) {
  const std::string& user = server_->user();
  const Refusal why = refusal_of(data);
  if (access_.too_hasty(who_.door, who_.address, user, !why)) return {slowed_down(), {}};
  if (why) return refused(mqtt::Reason::bad_username_or_password, why);
  Pass pass;
  pass.username = user;
  pass.by_password = true;
  return {Verdict(std::make_shared<const Pass>(std::move(pass))), server_->signature()};
}

// Whose password is not kept, or not so, gets a challenge like any other.
ScramVerifier Access::verifier_of(const Rules& door, const std::string& user) const {
  const std::optional<PasswordHash> known = password_of(door, user);
  if (known && known->is_scram()) return known->verifier();
  const PasswordHash nobody = of_nobody(door);
  const int otherwise = door.passwords ? door.passwords->scram_iterations() : kScramIterationsMin;
  return scram_verifier_of_nobody(user, names_secret_,
                                  nobody.is_scram() ? nobody.iterations : otherwise);
}

std::unique_ptr<Exchange> Access::exchange(Credentials who, std::string_view method) {
  if (method != kScramMethod || !doors_[who.door].files.keeps_passwords()) return nullptr;
  who.password.clear();
  return std::make_unique<ScramExchange>(*this, std::move(who));
}

}  // namespace tandemq::broker
