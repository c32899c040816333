// Who is there: asked now, answered when it is known.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/access/pass.h"
#include "broker/mqtt/packet.h"
#include "broker/mqtt/reason.h"

namespace tandemq::broker {

// A listener's place among all.
using Door = std::uint16_t;

// What a CONNECT says about who is there; its own copy.
struct Credentials {
  Credentials(Door by, const mqtt::Connect& packet, std::string shown = {}, std::string from = {})
      : door(by),
        address(std::move(from)),
        certificate(std::move(shown)),
        has_username(packet.has_username),
        client_id(packet.client_id),
        username(packet.username),
        password(packet.password) {}

  Door door;
  std::string address;      // as Transport::peer_address
  std::string certificate;  // the user that it names; empty: none was shown, or it is not asked for
  bool has_username;
  std::string client_id;  // as it came: empty where one is to be given
  std::string username;
  std::string password;
};

// success, bad_username_or_password, not_authorized, bad_authentication_method, server_busy,
// server_unavailable, connection_rate_exceeded; and why, for the log alone. With success what it
// brings; null: nothing.
struct Verdict {
  Verdict(mqtt::Reason code, const char* why = "") : reason(code), cause(why) {}
  explicit Verdict(PassRef brought) : reason(mqtt::Reason::success), pass(std::move(brought)) {}
  mqtt::Reason reason;
  const char* cause = "";
  PassRef pass;
};

// A proof of several messages (MQTT 5.0 section 4.12), held by who asks for it and over with the
// first verdict. Success brings a pass.
class Exchange {
 public:
  struct Step {
    std::optional<Verdict> verdict;  // none: the client has to answer
    std::string data;                // for the client; with success: the last word
  };

  virtual ~Exchange() = default;
  // What the client says next. Takes no time, and never brings success with its first message.
  virtual Step take(std::string_view data) = 0;
  // Whom the client wants to be; empty before it has said so.
  virtual const std::string& user() const = 0;
};

class Authenticator {
 public:
  using Ticket = std::uint64_t;  // of a question that is open; 0: none
  using Answer = std::function<void(Verdict)>;

  virtual ~Authenticator() = default;
  // Either calls `answer` before it returns and gives 0, or calls it later, on the loop.
  [[nodiscard]] virtual Ticket begin(Credentials who, Answer answer) = 0;
  // The answer does not come any more.
  virtual void cancel(Ticket ticket) = 0;
  // Null: that method is not offered there. `who` may have a user name, and then has to be that
  // user; its password counts for nothing.
  virtual std::unique_ptr<Exchange> exchange(Credentials who, std::string_view method) = 0;
  // Whether one that came in by its password, or by `pass`, before the files were read again would
  // come in still.
  virtual bool still_welcome(Door door, std::string_view username, const Pass* pass) const = 0;
  // Whether the last change of the users that both nodes keep took this one's log-ins away, however
  // they proved the name.
  virtual bool sent_away(Door door, std::string_view username) const = 0;
};

// A question that is open, held by who asks: it is cancelled when that one is gone.
class Question {
 public:
  Question() = default;
  Question(Authenticator& asked, Authenticator::Ticket ticket) : asked_(&asked), ticket_(ticket) {}
  ~Question() { cancel(); }
  Question(Question&& other) noexcept
      : asked_(other.asked_), ticket_(std::exchange(other.ticket_, 0)) {}
  Question& operator=(Question&& other) noexcept {
    std::swap(asked_, other.asked_);
    std::swap(ticket_, other.ticket_);
    return *this;
  }

  void cancel() {
    if (ticket_ != 0) asked_->cancel(std::exchange(ticket_, 0));
  }
  void answered() { ticket_ = 0; }

 private:
  Authenticator* asked_ = nullptr;
  Authenticator::Ticket ticket_ = 0;
};

}  // namespace tandemq::broker
