#include "broker/access/access.h"

#include <algorithm>
#include <ctime>
#include <optional>
#include <utility>

#include "broker/access/sha256.h"
#include "broker/core/all_grants.h"
#include "broker/support/random.h"
#include "broker/support/turn.h"

namespace tandemq::broker {
namespace {

constexpr std::size_t kWaitingBytesMax = 32 << 20;
constexpr unsigned kServerShift = 48;  // of a ticket: above the number of the check
constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::size_t kNamesSecretBytes = 32;

const Verdict kDisabled{mqtt::Reason::not_authorized, "the user is disabled"};

std::uint64_t now_ms() {
  return monotonic_ns() / kNsPerMs;
}

// Failures count for it. A signature cannot be guessed: only the same bad token again is slowed
// down, and nobody else's. No user name can look like its digest.
std::string counted_as(const Credentials& who, bool as_token) {
  return as_token ? '\0' + sha256(who.password) : who.username;
}

// Of a token, as it was checked on a thread.
struct Checked {
  Refusal refused = nullptr;
  Claims claims;
};

}  // namespace

Access::Access(event_base* base, const std::vector<ListenerSection>& listeners,
               const core::Accounts* kept)
    : kept_(kept), names_secret_(random_hex(kNamesSecretBytes)) {
  for (const ListenerSection& listener : listeners) {
    const AccessSection& files = listener.access;
    Rules& door = doors_.emplace_back();
    door.listener = listener.name;
    door.files = files;
    door.lets_anonymous_in = listener.lets_anonymous_in();
    door.names_proven_otherwise = listener.proves_names_otherwise();
    has_rules_ = has_rules_ || !files.acl_file.empty() || !files.tokens.rights_claim.empty() ||
                 files.http.on() || files.runtime_users;
  }
  if (!base) return;
  worker_ = std::make_unique<LoginWorker>(base, kWaitingBytesMax);
  for (Rules& door : doors_) {
    if (door.files.http.on()) door.server = server_of(base, door.files.http);
  }
}

Access::~Access() {
  for (const auto& server : servers_) server->stop();
}

// One for all doors that ask the same.
std::shared_ptr<HttpLogins> Access::server_of(event_base* base, const HttpSection& section) {
  for (const auto& known : servers_) {
    if (known->section() == section) return known;
  }
  return servers_.emplace_back(std::make_shared<HttpLogins>(base, section, kWaitingBytesMax));
}

LoginFigures Access::figures() const {
  LoginFigures out{worker_ ? worker_->waiting() : 0, slowed_, {}};
  for (const auto& server : servers_) {
    out.waiting += server->waiting();
    out.servers.push_back({server->section().shown(), server->counters(), server->answers()});
  }
  return out;
}

Status Access::check(core::AccountOrder& order) const {
  for (const Rules& door : doors_) {
    if (order.what == core::AccountOrder::What::remove || order.kind != core::AccountKind::user ||
        !door.has_in_file(order.name))
      continue;
    return Error{"user '" + order.name + "' is in " + door.files.password_file +
                 ", which goes first; take another name, or remove it there and reload"};
  }
  return RuntimeUsers::read(order);
}

void Access::account_changed(core::AccountKind kind, std::string_view name, std::string_view gone) {
  gone_ = gone;
  for (Rules& door : doors_) door.before = door.passwords;  // the files are as they were
  if (kind == core::AccountKind::role) kept_.forget_rules(name);
  ++revision_;
}

void Access::accounts_changed() {
  kept_.forget_rules();
  account_changed(core::AccountKind::user, "", "");
}

// A name in the password file is the file's.
const core::Account* Access::account_of(const Rules& door, std::string_view user) const {
  return door.files.runtime_users && !door.has_in_file(user) ? kept_.find(user) : nullptr;
}

// However it proves its name.
bool Access::is_disabled(const Rules& door, std::string_view user) const {
  const core::Account* account = account_of(door, user);
  return account && !account->enabled;
}

std::optional<PasswordHash> Access::password_of(const Rules& door, std::string_view user) const {
  if (const PasswordHash* in_file = door.passwords ? door.passwords->find(user) : nullptr)
    return *in_file;
  return door.files.runtime_users ? kept_.password_of(user) : std::nullopt;
}

PasswordHash Access::of_nobody(const Rules& door) const {
  if (door.passwords && door.passwords->size() > 0) return door.passwords->of_nobody();
  return door.files.runtime_users ? kept_.of_nobody() : PasswordFile::hash_of_nobody();
}

Authenticator::Ticket Access::begin(Credentials who, Answer answer) {
  using mqtt::Reason;
  const auto at_once = [&](Verdict verdict) {
    answer(verdict);
    return Ticket{0};
  };
  const Rules& door = doors_[who.door];
  if (!who.certificate.empty())
    return at_once(is_disabled(door, who.certificate) ? kDisabled : Verdict(Reason::success));
  const bool as_token = door.takes_as_token(who);
  if (!as_token && (!who.has_username || !door.files.checks_logins())) {
    if (door.lets_anonymous_in) return at_once(Reason::success);
    return at_once({Reason::not_authorized, who.has_username
                                                ? "this listener knows no passwords"
                                                : "anonymous clients are not let in here"});
  }
  if (!as_token && !door.files.checks_passwords())
    return at_once({Reason::bad_username_or_password, "a token is wanted as the password"});
  if (!admits(who.door, who.address, counted_as(who, as_token))) return at_once(slowed_down());
  if (!as_token && asks_server(door, who.username)) return begin_http(std::move(who), answer);
  const Ticket ticket =
      as_token ? begin_token(std::move(who), answer) : begin_password(std::move(who), answer);
  return ticket != 0 ? ticket : at_once({Reason::server_busy, "too many log-ins wait already"});
}

// Beside passwords what cannot be a token is one.
bool Access::Rules::takes_as_token(const Credentials& who) const {
  return keys && !who.password.empty() &&
         (!files.checks_passwords() || looks_like_token(who.password));
}

// Only of whom nobody here knows a password.
bool Access::asks_server(const Rules& door, const std::string& username) const {
  return door.server && !password_of(door, username);
}

Authenticator::Ticket Access::begin_password(Credentials who, const Answer& answer) {
  const Rules& door = doors_[who.door];
  const std::optional<PasswordHash> known = password_of(door, who.username);
  const PasswordHash stored = known ? *known : of_nobody(door);
  const bool is_user = known.has_value();
  return worker_->check(stored, std::move(who.password),
                        [this, answer, is_user, by = who.door, user = who.username,
                         from = who.address, stored](bool matches) {
                          // The file may have been read again meanwhile, or the user changed.
                          const bool same = is_user && password_of(doors_[by], user) == stored;
                          answer(judge(by, from, user, is_user, matches && same));
                        });
}

Authenticator::Ticket Access::begin_token(Credentials who, const Answer& answer) {
  const Rules& door = doors_[who.door];
  auto checked = std::make_shared<Checked>();
  const std::size_t weight = who.password.capacity() + who.client_id.capacity() +
                             who.username.capacity() + sizeof(Checked);
  const std::string counted = counted_as(who, true);
  auto token = std::make_shared<const Secret>(std::move(who.password));
  return worker_->check(
      [token, checked, keys = door.keys, rules = door.files.tokens] {
        checked->refused =
            check_token(token->text(), *keys, rules, std::time(nullptr), checked->claims);
        return checked->refused == nullptr;
      },
      weight,
      [this, answer, checked, who, counted](bool) {
        const Rules& now = doors_[who.door];
        Refusal& refused = checked->refused;
        // The file may have been read again meanwhile.
        if (!refused && !now.keys->holds(checked->claims.key))
          refused = "the key of the token is gone";
        if (!refused && who.has_username && who.username != checked->claims.username)
          refused = "the token is another user's";
        if (too_hasty(who.door, who.address, counted, !refused)) return answer(slowed_down());
        if (!refused && is_disabled(now, checked->claims.username)) return answer(kDisabled);
        answer(judge(now, refused, std::move(checked->claims)));
      });
}

Authenticator::Ticket Access::begin_http(Credentials who, const Answer& answer) {
  const Rules& door = doors_[who.door];
  const std::string name = door.listener;
  const auto at_once = [&](Verdict verdict) {
    answer(std::move(verdict));
    return Ticket{0};
  };
  if (who.password.empty())
    return at_once({mqtt::Reason::bad_username_or_password, "a password is wanted"});
  if (who.client_id.size() + who.username.size() + who.password.size() > kHttpLoginBytesMax)
    return at_once({mqtt::Reason::bad_username_or_password, "it is longer than 16 KiB"});
  if (door.files.use_username_as_clientid) who.client_id = who.username;
  if (std::optional<HttpAnswer> known = door.server->remembered(who, name))
    return at_once(judge(who.door, who.address, who.username, std::move(*known)));
  if (door.server->is_away())
    return at_once({mqtt::Reason::server_unavailable, "the server that is asked is away"});
  const LoginWorker::Number number = door.server->ask(
      who, name,
      [this, answer, by = who.door, from = who.address, user = who.username](HttpAnswer said) {
        const Verdict verdict = judge(by, from, user, std::move(said));
        answer(verdict);
        return verdict.reason == mqtt::Reason::success;
      });
  if (number == 0) return at_once({mqtt::Reason::server_busy, "too many log-ins wait already"});
  const auto at = std::find(servers_.begin(), servers_.end(), door.server) - servers_.begin();
  return number | (static_cast<Ticket>(at) + 1) << kServerShift;
}

// The files may have been read again meanwhile, or users have changed.
Verdict Access::judge(Door by, const std::string& address, const std::string& user,
                      HttpAnswer answer) {
  if (answer.word == Word::unclear) return {mqtt::Reason::server_unavailable, answer.why};
  const Rules& door = doors_[by];
  Refusal refused = answer.why;
  if (!refused && !asks_server(door, user)) refused = "the user has a password here now";
  if (too_hasty(by, address, user, !refused)) return slowed_down();
  if (!refused && is_disabled(door, user)) return kDisabled;
  return judge(door, refused, std::move(answer.claims));
}

Verdict Access::judge(const Rules& door, Refusal refused, Claims claims) const {
  if (refused) return {mqtt::Reason::bad_username_or_password, refused};
  return Verdict(std::make_shared<const Pass>(
      Pass{std::move(claims.username), std::move(claims.rights), door.files.acl_names_with_slash,
           claims.lasts_s, std::move(claims.key)}));
}

bool Access::admits(Door by, const std::string& address, const std::string& user) {
  if (!doors_[by].files.slow_failed_logins || brake_.admits(address, user, now_ms())) return true;
  ++slowed_;
  return false;
}

// Counts what it hears. Who sent a thousand guesses at once is told of the first few.
bool Access::too_hasty(Door by, const std::string& address, const std::string& user, bool good) {
  if (!doors_[by].files.slow_failed_logins) return false;
  const std::uint64_t now = now_ms();
  if (!(good ? brake_.admits_right(address, user, now) : brake_.admits(address, user, now))) {
    ++slowed_;
    return true;
  }
  good ? brake_.succeeded(address, user) : brake_.failed(address, user, now);
  return false;
}

Verdict Access::slowed_down() {
  return {mqtt::Reason::connection_rate_exceeded,
          "too many log-ins have failed, the next may come in some seconds"};
}

Verdict Access::judge(Door by, const std::string& address, const std::string& user, bool is_user,
                      bool good) {
  if (too_hasty(by, address, user, good)) return slowed_down();
  if (good) return mqtt::Reason::success;
  return {mqtt::Reason::bad_username_or_password,
          is_user ? "the password is another one"
                  : "there is no such user, or it is disabled or has no password"};
}

bool Access::still_welcome(Door by, std::string_view username, const Pass* pass) const {
  const Rules& door = doors_[by];
  if (pass && !pass->by_password) {
    if (pass->key.empty()) return true;  // by a server, which was not asked anew
    return door.keys && door.keys->holds(pass->key);
  }
  if (!door.passwords || !door.before || username.empty()) return true;
  const bool in_files = door.has_in_file(username) || door.before->find(username);
  if (door.files.runtime_users && !in_files) return true;
  const PasswordHash* then = door.before->find(username);
  const PasswordHash* now = door.passwords->find(username);
  return then && now && *then == *now;
}

bool Access::sent_away(Door by, std::string_view username) const {
  const Rules& door = doors_[by];
  return !gone_.empty() && username == gone_ && door.files.runtime_users &&
         !door.has_in_file(username);
}

void Access::cancel(Ticket ticket) {
  const auto server = ticket >> kServerShift;
  if (server != 0) return servers_[server - 1]->cancel(ticket & ((Ticket{1} << kServerShift) - 1));
  if (ticket != 0) worker_->cancel(ticket);
}

// A user of the journal has what its roles allow. A name that nobody has, where names are proven by
// passwords alone, is one that was removed.
core::GrantsRef Access::rights_at(const Rules& door, std::string_view client_id,
                                  std::string_view username) const {
  const bool slash = door.files.acl_names_with_slash;
  if (const core::Account* user = account_of(door, username))
    return kept_.grants(*user, client_id, username, slash);
  const bool gone = door.files.runtime_users && !username.empty() && !door.has_in_file(username);
  // Without rules a name that was removed would have more rights than before.
  if (gone && !(door.names_proven_otherwise && door.acl)) return no_grants();
  return door.acl ? door.acl->grants(client_id, username, slash) : nullptr;
}

core::GrantsRef Access::decide(std::string_view listener, std::string_view client_id,
                               std::string_view username) const {
  std::vector<core::GrantsRef> each;
  for (const Rules& one : doors_) {
    core::GrantsRef grants = rights_at(one, client_id, username);
    if (one.listener == listener) return grants;
    if (grants) each.push_back(std::move(grants));
  }
  return core::all_of(std::move(each));
}

}  // namespace tandemq::broker
