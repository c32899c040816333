// A web server that is asked who may come in, through libcurl on threads of its own: nothing waits
// for it but the log-ins that it is to decide. Who is not clearly let in is not: an answer that is
// late, missing or wrong refuses.
//
// Whom it let in comes in for `cache_s` without being asked about again, also while it is away. Is
// it away, most log-ins are refused at once, and one a second tries it. Away is who cannot be
// reached: an answer that is wrong may be one client's doing, and refuses that one alone.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/access/http_answer.h"
#include "broker/access/login_worker.h"
#include "broker/base/result.h"
#include "broker/config/sections.h"

struct event_base;

namespace tandemq::broker {

class HttpLogins {
 public:
  // On the loop; true: the client came in, and that may be remembered.
  using Answer = std::function<bool(HttpAnswer)>;

  // `bytes_max`: for log-ins that wait.
  HttpLogins(event_base* base, const HttpSection& section, std::size_t bytes_max);
  ~HttpLogins();
  // Its threads end their questions, soon; before several are destroyed.
  void stop() { stopping_ = true; }

  // The header that it is asked with, from its file; empty where none is named. Exit code as a bad
  // configuration.
  static Result<std::string> read_header(const HttpSection& section);
  // The passwords leave this host, and everybody on their way can read them.
  static bool is_in_clear(const std::string& url);
  // From now on; forgets what was allowed.
  void use_header(std::string header);

  // What it allowed lately.
  std::optional<HttpAnswer> remembered(const Credentials& who, std::string_view listener);
  // Away: who would wait for it in vain is to be refused.
  bool is_away();
  // 0 when too many wait already. No more than kHttpLoginBytesMax.
  LoginWorker::Number ask(const Credentials& who, std::string_view listener, Answer answer);
  void cancel(LoginWorker::Number number) { worker_.cancel(number); }

  const HttpSection& section() const { return section_; }
  struct Counters {
    std::uint64_t allowed = 0, refused = 0, failed = 0, remembered = 0;
  };
  const Counters& counters() const { return counters_; }
  bool answers() const;
  std::size_t waiting() const { return worker_.waiting(); }

 private:
  struct Server;  // what the threads need
  struct Health;  // what they learn
  struct Allowed {
    Claims claims;
    std::uint64_t at_ms;
    std::size_t bytes;
  };

  std::string key_of(const Credentials& who, std::string_view listener) const;
  void remember(const std::string& key, const Claims& claims, std::size_t said_bytes);
  void forget(const std::string& key);
  void count(const HttpAnswer& answer);
  void tell_health();

  HttpSection section_;
  std::shared_ptr<const Server> server_;
  std::atomic<bool> stopping_ = false;
  std::string salt_;  // the keys of allowed_ are digests that nobody can look up
  std::unordered_map<std::string, Allowed> allowed_;
  std::deque<std::string> oldest_first_;  // keys of allowed_, and of what is forgotten already
  std::size_t bytes_ = 0;                 // of allowed_
  Counters counters_;
  std::shared_ptr<Health> health_;
  bool told_away_ = false;
  LoginWorker worker_;  // the last: its threads use the others
};

}  // namespace tandemq::broker
