// Who may come in, and what they may do: one door for each listener, with the password file, the
// keys of tokens, the server that is asked and the ACL that hold there.
//
// begin() asks, the answer comes later on the loop, or at once where nothing takes time; a
// connection that goes away cancels. Passwords and tokens are checked by LoginWorker, and
// HttpLogins has its own. Who proves its password by SCRAM-SHA-256 (exchange) is answered at once.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/access/acl.h"
#include "broker/access/authenticator.h"
#include "broker/access/http_logins.h"
#include "broker/access/key_set.h"
#include "broker/access/login_brake.h"
#include "broker/access/login_worker.h"
#include "broker/access/password_file.h"
#include "broker/access/runtime_users.h"
#include "broker/access/token.h"
#include "broker/base/result.h"
#include "broker/config/sections.h"
#include "broker/core/grants.h"

struct event_base;

namespace tandemq::broker {

struct LoginFigures {
  std::size_t waiting = 0;   // asked, not answered
  std::uint64_t slowed = 0;  // refused unseen since others had failed; only grows
  struct Server {            // that is asked
    std::string url;
    HttpLogins::Counters counters;
    bool answers = true;
  };
  std::vector<Server> servers;
};

class Access final : public Authenticator, public core::Permissions {
 public:
  // The order of the listeners is that of the doors, from 0. `base` null: only to check the files.
  // `kept`: the users and roles of the journal, which outlive it; null: there are none.
  Access(event_base* base, const std::vector<ListenerSection>& listeners,
         const core::Accounts* kept = nullptr);

  ~Access() override;

  // Reads the files again. On an error all stays as it is.
  Status reload();

  // An order to be carried out: whether its rules and password can be read, and whether a password
  // file has its user already.
  Status check(core::AccountOrder& order) const;
  // Users or roles of the journal have changed, and rights with them. `gone`: the one whose log-ins
  // so far count no more, "" for none; sent_away() asks for it.
  void account_changed(core::AccountKind kind, std::string_view name, std::string_view gone);
  // A reign begins: all of them may be others than before.
  void accounts_changed();

  [[nodiscard]] Ticket begin(Credentials who, Answer answer) override;
  void cancel(Ticket ticket) override;
  std::unique_ptr<Exchange> exchange(Credentials who, std::string_view method) override;
  // Salts of names that nobody has are made up of it: the same on both nodes, and kept from
  // clients, it hides who exists. Before: a secret of this process.
  void hide_names_by(std::string secret) { names_secret_ = std::move(secret); }
  bool still_welcome(Door door, std::string_view username, const Pass* pass) const override;
  bool sent_away(Door door, std::string_view username) const override;
  LoginFigures figures() const;
  // As Acl::doubts, of all files.
  std::vector<std::string> doubts() const;
  // Of the files that hold at present, to be compared with the other node's: "acl_file",
  // "password_file" and "jwt_jwks_file", over all listeners by their names, "0" where none is
  // named.
  std::map<std::string, std::string> checksums() const;

  // Null when no door has an ACL, nor tokens or a server that may say more: all is allowed. Stays
  // where it is across reload().
  const core::Permissions* permissions() const { return has_rules_ ? this : nullptr; }

  std::uint32_t revision() const override { return revision_; }
  // Of a listener that is there no more: what all of the doors allow.
  core::GrantsRef decide(std::string_view listener, std::string_view client_id,
                         std::string_view username) const override;

 private:
  class ScramExchange;
  struct Rules {
    std::string listener;
    AccessSection files;
    bool lets_anonymous_in = false;
    bool names_proven_otherwise = false;            // than by passwords
    std::shared_ptr<const PasswordFile> passwords;  // null: none is named
    std::shared_ptr<const PasswordFile> before;     // those of the reload before
    std::shared_ptr<const Acl> acl;                 // null: all is allowed
    std::shared_ptr<const KeySet> keys;             // null: no tokens are taken
    std::shared_ptr<HttpLogins> server;             // null: none is asked

    bool takes_as_token(const Credentials& who) const;
    bool has_in_file(std::string_view user) const { return passwords && passwords->find(user); }
  };

  Ticket begin_password(Credentials who, const Answer& answer);
  Ticket begin_token(Credentials who, const Answer& answer);
  bool asks_server(const Rules& door, const std::string& username) const;
  Ticket begin_http(Credentials who, const Answer& answer);
  std::shared_ptr<HttpLogins> server_of(event_base* base, const HttpSection& section);
  Status reload_headers();
  bool admits(Door by, const std::string& address, const std::string& user);
  static Verdict slowed_down();
  bool too_hasty(Door by, const std::string& address, const std::string& user, bool good);
  const core::Account* account_of(const Rules& door, std::string_view user) const;
  bool is_disabled(const Rules& door, std::string_view user) const;
  std::optional<PasswordHash> password_of(const Rules& door, std::string_view user) const;
  PasswordHash of_nobody(const Rules& door) const;
  ScramVerifier verifier_of(const Rules& door, const std::string& user) const;
  core::GrantsRef rights_at(const Rules& door, std::string_view client_id,
                            std::string_view username) const;
  Verdict judge(Door by, const std::string& address, const std::string& user, bool is_user,
                bool good);
  Verdict judge(const Rules& door, Refusal refused, Claims claims) const;
  Verdict judge(Door by, const std::string& address, const std::string& user, HttpAnswer answer);

  RuntimeUsers kept_;
  std::string gone_;  // by the last change of users; empty: nobody
  std::vector<Rules> doors_;
  std::vector<std::shared_ptr<HttpLogins>> servers_;
  LoginBrake brake_;
  std::string names_secret_;
  std::uint64_t slowed_ = 0;
  bool has_rules_ = false;
  std::uint32_t revision_ = 1;
  std::unique_ptr<LoginWorker> worker_;
};

}  // namespace tandemq::broker
