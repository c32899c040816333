// Who may come in, and what they may do: one door for each listener, with the password file, the
// keys of tokens, the server that is asked and the ACL that hold there.
//
// begin() asks, the answer comes later on the loop, or at once where nothing takes time; a
// connection that goes away cancels. Passwords and tokens are checked by LoginWorker, and
// HttpLogins has its own.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/access/acl.h"
#include "broker/access/authenticator.h"
#include "broker/access/http_logins.h"
#include "broker/access/key_set.h"
#include "broker/access/login_brake.h"
#include "broker/access/login_worker.h"
#include "broker/access/password_file.h"
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
  Access(event_base* base, const std::vector<ListenerSection>& listeners);

  // Reads the files again. On an error all stays as it is.
  Status reload();

  [[nodiscard]] Ticket begin(Credentials who, Answer answer) override;
  void cancel(Ticket ticket) override;
  bool still_welcome(Door door, std::string_view username, const Pass* pass) const override;
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
  struct Rules {
    std::string listener;
    AccessSection files;
    bool lets_anonymous_in = false;
    std::shared_ptr<const PasswordFile> passwords;  // null: none is named
    std::shared_ptr<const PasswordFile> before;     // those of the reload before
    std::shared_ptr<const Acl> acl;                 // null: all is allowed
    std::shared_ptr<const KeySet> keys;             // null: no tokens are taken
    std::shared_ptr<HttpLogins> server;             // null: none is asked

    bool takes_as_token(const Credentials& who) const;
    bool asks_server(const std::string& username) const;
  };

  Ticket begin_password(Credentials who, const Answer& answer);
  Ticket begin_token(Credentials who, const Answer& answer);
  Ticket begin_http(const Credentials& who, const Answer& answer);
  std::shared_ptr<HttpLogins> server_of(event_base* base, const HttpSection& section);
  Status reload_headers();
  bool admits(Door by, const std::string& address, const std::string& user);
  bool too_hasty(Door by, const std::string& address, const std::string& user, bool good);
  Verdict judge(Door by, const std::string& address, const std::string& user, bool is_user,
                bool good);
  Verdict judge(const Rules& door, Refusal refused, Claims claims) const;
  Verdict judge(const Credentials& who, HttpAnswer answer);

  std::vector<Rules> doors_;
  std::vector<std::shared_ptr<HttpLogins>> servers_;
  LoginBrake brake_;
  std::uint64_t slowed_ = 0;
  bool has_rules_ = false;
  std::uint32_t revision_ = 1;
  std::unique_ptr<LoginWorker> worker_;
};

}  // namespace tandemq::broker
