#include "broker/access/http_logins.h"

#include <curl/curl.h>
#include <openssl/rand.h>

#include <algorithm>
#include <utility>

#include "broker/access/secret.h"
#include "broker/access/sha256.h"
#include "broker/base/check.h"
#include "broker/base/exit_code.h"
#include "broker/support/endpoint.h"
#include "broker/support/log.h"
#include "broker/support/text_file.h"
#include "broker/support/turn.h"

namespace tandemq::broker {
namespace {

constexpr std::size_t kRememberedMax = 20'000, kRememberedBytesMax = 32 << 20;
constexpr unsigned kAwayAfter = 3;  // times behind one another that it is not reached
constexpr std::uint64_t kTryAgainMs = 1000;

std::uint64_t clock_ms() {
  return monotonic_ns() / 1'000'000;
}

struct FreeHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

// Each thread keeps its connections from one question to the next, while `of` is the same: after a
// reload nothing goes over those of before.
CURL* own_handle(std::uint64_t of) {
  thread_local std::unique_ptr<CURL, FreeHandle> handle;
  thread_local std::uint64_t known = 0;
  if (!handle || known != of) handle.reset(curl_easy_init());
  known = of;
  if (handle) curl_easy_reset(handle.get());
  return handle.get();
}

// Of these only the time limit may be one client's doing: of a server that is slow to refuse. Yet
// one that hangs has to count, or each log-in would wait for it in vain.
bool is_unreachable(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return true;
    default:
      return false;
  }
}

// A copy for the threads and for the answer, wiped with the last of them.
std::shared_ptr<const Credentials> kept(const Credentials& who) {
  return {new Credentials(who), [](Credentials* it) {
            OPENSSL_cleanse(it->password.data(), it->password.size());
            delete it;
          }};
}

std::size_t gather(char* bytes, std::size_t size, std::size_t count, void* out) {
  auto& body = *static_cast<std::string*>(out);
  if (body.size() + size * count > kHttpAnswerBytesMax) return 0;  // ends the transfer
  body.append(bytes, size * count);
  return size * count;
}

int end_at_stop(void* stopping, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<const std::atomic<bool>*>(stopping) ? 1 : 0;
}

}  // namespace

// Learned on the threads: of a question whose client has gone as well.
struct HttpLogins::Health {
  std::atomic<unsigned> unreached = 0;      // behind one another
  std::atomic<std::uint64_t> tried_ms = 0;  // when that was learned or tried last

  bool is_away() const { return unreached >= kAwayAfter; }
  void learn(bool reached) {
    if (reached) {
      unreached = 0;
    } else {
      tried_ms = clock_ms();
      ++unreached;
    }
  }
};

struct HttpLogins::Server {
  Server(HttpSection asked, std::string with, const std::atomic<bool>& stop)
      : section(std::move(asked)), header(std::move(with)), stopping(stop) {}

  const HttpSection section;
  const Secret header;
  const std::atomic<bool>& stopping;
  const std::uint64_t number = next_number();

  static std::uint64_t next_number() {
    static std::uint64_t last = 0;  // the loop's
    return ++last;
  }

  // With authorities of its own no others count: Debian's libcurl would take those of its folder as
  // well, and may know the old ones by a session or for a day.
  void trust(CURL* easy) const {
    if (section.cafile.empty()) return;
    curl_easy_setopt(easy, CURLOPT_CAINFO, section.cafile.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  }

  void prepare(CURL* easy, std::string& body) const {
    curl_easy_setopt(easy, CURLOPT_URL, section.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");  // whatever the environment says
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(section.timeout_ms));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // a name's look-up is not waited for
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &gather);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &end_at_stop);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &stopping);
    trust(easy);
  }

  curl_slist* headers() const {
    curl_slist* out = curl_slist_append(nullptr, "Content-Type: application/json");
    out = curl_slist_append(out, "Expect:");  // the body is not to wait for a word of the server's
    if (!header.text().empty()) out = curl_slist_append(out, std::string(header.text()).c_str());
    return out;
  }

  HttpAnswer ask(const Credentials& who, std::string_view listener) const {
    HttpAnswer out{Word::unclear, "libcurl gives no handle", {}, true, 0};
    CURL* easy = own_handle(number);
    if (!easy) return out;
    const Secret question(question_of(who, listener));
    std::string body;
    prepare(easy, body);
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> lines(headers(),
                                                                            &curl_slist_free_all);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines.get());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, question.text().data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(question.text().size()));
    const CURLcode done = curl_easy_perform(easy);
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    out.why = curl_easy_strerror(done);
    out.reached = !is_unreachable(done);
    return done == CURLE_OK ? read_answer(status, body, who.username, !header.text().empty()) : out;
  }
};

bool HttpLogins::is_in_clear(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parts(curl_url(), &curl_url_cleanup);
  char* host = nullptr;
  if (!url.starts_with("http://") || curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) ||
      curl_url_get(parts.get(), CURLUPART_HOST, &host, 0))
    return false;
  std::string name = host;
  curl_free(host);
  if (name.starts_with("[")) name = name.substr(1, name.size() - 2);
  return !is_loopback(name);
}

HttpLogins::HttpLogins(event_base* base, const HttpSection& section, std::size_t bytes_max)
    : section_(section),
      salt_(32, '\0'),
      health_(std::make_shared<Health>()),
      worker_(base, bytes_max, section.requests_max) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  TMQ_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(salt_.data()), 32) == 1);
  use_header({});
}

HttpLogins::~HttpLogins() {
  stop();
}

bool HttpLogins::answers() const {
  return health_->unreached == 0;
}

Result<std::string> HttpLogins::read_header(const HttpSection& section) {
  if (section.header_file.empty()) return std::string{};
  Result<std::string> text = read_text_file(section.header_file);
  const std::string where = "auth.http_auth_header_file " + section.header_file;
  if (!text) {
    return Error{where + " cannot be read: " + text.error().message +
                     "; write the header there that the server wants, as \"Authorization: Bearer "
                     "...\", and let the broker read it",
                 kExitConfiguration};
  }
  std::string line = std::move(text).value();
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  const bool is_line = std::none_of(line.begin(), line.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
  const std::size_t colon = line.find(':');
  if (!is_line || colon == 0 || colon == line.npos) {
    return Error{where + " is no header; write one line there, as \"Authorization: Bearer ...\"",
                 kExitConfiguration};
  }
  return line;
}

void HttpLogins::use_header(std::string header) {
  server_ = std::make_shared<const Server>(section_, std::move(header), stopping_);
  allowed_.clear();
  oldest_first_.clear();
  bytes_ = 0;
}

std::string HttpLogins::key_of(const Credentials& who, std::string_view listener) const {
  std::string all = salt_;
  for (std::string_view part : {listener, host_of(who.address), std::string_view(who.client_id),
                                std::string_view(who.username), std::string_view(who.password)}) {
    all += std::to_string(part.size()) + ':';
    all += part;
  }
  const Secret secret(std::move(all));
  return sha256(secret.text());
}

std::optional<HttpAnswer> HttpLogins::remembered(const Credentials& who,
                                                 std::string_view listener) {
  const auto found = allowed_.find(key_of(who, listener));
  if (found == allowed_.end()) return {};
  const auto& [claims, at_ms, bytes] = found->second;
  const std::uint64_t age_s = (clock_ms() - at_ms) / 1000;
  if (age_s >= section_.cache_s || (claims.lasts_s != 0 && age_s >= claims.lasts_s)) return {};
  HttpAnswer out{Word::allowed, nullptr, claims, true, 0};
  if (claims.lasts_s != 0) out.claims.lasts_s -= static_cast<std::uint32_t>(age_s);
  ++counters_.remembered;
  return out;
}

void HttpLogins::forget(const std::string& key) {
  const auto found = allowed_.find(key);
  if (found == allowed_.end()) return;
  bytes_ -= found->second.bytes;
  allowed_.erase(found);
}

void HttpLogins::remember(const std::string& key, const Claims& claims, std::size_t said_bytes) {
  if (section_.cache_s == 0) return;
  forget(key);
  const std::size_t bytes = 2 * key.size() + sizeof(Allowed) + claims.username.size() +
                            8 * said_bytes;  // rules are wider
  allowed_.emplace(key, Allowed{claims, clock_ms(), bytes});
  oldest_first_.push_back(key);
  bytes_ += bytes;
  while (oldest_first_.size() > kRememberedMax || bytes_ > kRememberedBytesMax) {
    forget(oldest_first_.front());
    oldest_first_.pop_front();
  }
}

bool HttpLogins::is_away() {
  tell_health();
  if (!health_->is_away()) return false;
  const std::uint64_t now = clock_ms();
  if (now < health_->tried_ms + kTryAgainMs) return true;
  health_->tried_ms = now;
  return false;
}

void HttpLogins::tell_health() {
  const bool away = health_->is_away();
  if (std::exchange(told_away_, away) == away) return;
  if (!away) return log(LogLevel::notice, "login_server_back", {{"url", section_.shown()}});
  log(LogLevel::error, "login_server_away",
      {{"url", section_.shown()},
       {"reason", "it cannot be reached, or does not answer in time"},
       {"result", "log-ins that it is to decide are refused, one a second tries it"},
       {"remedy", "look at that server, and at auth.http_auth_url"}});
}

void HttpLogins::count(const HttpAnswer& answer) {
  tell_health();
  if (answer.word == Word::allowed) ++counters_.allowed;
  if (answer.word == Word::refused) ++counters_.refused;
  if (answer.word != Word::unclear) return;
  ++counters_.failed;
  log(LogLevel::warning, "login_server_failed",
      {{"url", section_.shown()}, {"reason", answer.why}});
}

LoginWorker::Number HttpLogins::ask(const Credentials& who, std::string_view listener,
                                    Answer answer) {
  const std::size_t weight = who.client_id.capacity() + who.username.capacity() +
                             who.password.capacity() + sizeof(Credentials) + sizeof(HttpAnswer);
  const auto asked = kept(who);
  const auto said = std::make_shared<HttpAnswer>();
  return worker_.check(
      [said, asked, server = server_, health = health_, name = std::string(listener),
       tries = health_->is_away()] {
        if (health->is_away() && !tries) {
          said->why = "the server that is asked is away";
          return false;
        }
        *said = server->ask(*asked, name);
        health->learn(said->reached);
        return said->word == Word::allowed;
      },
      weight,
      [this, said, asked, name = std::string(listener), server = server_,
       then = std::move(answer)](bool) {
        count(*said);
        const Claims claims = said->claims;
        const std::string key = key_of(*asked, name);
        const std::size_t bytes = said->bytes;
        const bool is_in = then(std::move(*said));
        if (server != server_) return;  // what was said before a reload is not kept
        is_in ? remember(key, claims, bytes) : forget(key);
      });
}

}  // namespace tandemq::broker
