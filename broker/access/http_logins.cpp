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

constexpr std::size_t kRememberedMax = 20'000;
constexpr unsigned kAwayAfter = 3;  // failures behind one another
constexpr std::uint64_t kTryAgainMs = 1000;

std::uint64_t clock_ms() {
  return monotonic_ns() / 1'000'000;
}

// Each thread keeps its connections from one question to the next.
CURL* own_handle() {
  struct Free {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };
  thread_local const std::unique_ptr<CURL, Free> handle(curl_easy_init());
  if (handle) curl_easy_reset(handle.get());
  return handle.get();
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

struct HttpLogins::Server {
  Server(HttpSection asked, std::string with, const std::atomic<bool>& stop)
      : section(std::move(asked)), header(std::move(with)), stopping(stop) {}

  const HttpSection section;
  const Secret header;
  const std::atomic<bool>& stopping;

  void prepare(CURL* easy, std::string& body) const {
    const auto limit = static_cast<long>(section.timeout_ms);
    curl_easy_setopt(easy, CURLOPT_URL, section.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");  // whatever the environment says
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, limit);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // a name's look-up is not waited for
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &gather);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &end_at_stop);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &stopping);
    if (!section.cafile.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, section.cafile.c_str());
  }

  HttpAnswer ask(const Secret& question, std::string_view username) const {
    HttpAnswer out{Word::unclear, "libcurl gives no handle", {}};
    CURL* easy = own_handle();
    if (!easy) return out;
    std::string body;
    prepare(easy, body);
    curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
    if (!header.text().empty())
      headers = curl_slist_append(headers, std::string(header.text()).c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, question.text().data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(question.text().size()));
    const CURLcode done = curl_easy_perform(easy);
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    out.why = curl_easy_strerror(done);
    return done == CURLE_OK ? read_answer(status, body, username) : out;
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
    : section_(section), salt_(32, '\0'), worker_(base, bytes_max, section.requests_max) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  TMQ_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(salt_.data()), 32) == 1);
  use_header({});
}

HttpLogins::~HttpLogins() {
  stopping_ = true;
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
  const auto& [claims, at_ms] = found->second;
  const std::uint64_t age_s = (clock_ms() - at_ms) / 1000;
  if (age_s >= section_.cache_s || (claims.lasts_s != 0 && age_s >= claims.lasts_s)) return {};
  HttpAnswer out{Word::allowed, nullptr, claims};
  if (claims.lasts_s != 0) out.claims.lasts_s -= static_cast<std::uint32_t>(age_s);
  ++counters_.remembered;
  return out;
}

void HttpLogins::remember(const std::string& key, const Claims& claims) {
  if (section_.cache_s == 0) return;
  if (!allowed_.insert_or_assign(key, Allowed{claims, clock_ms()}).second) return;
  oldest_first_.push_back(key);
  if (oldest_first_.size() <= kRememberedMax) return;
  allowed_.erase(oldest_first_.front());
  oldest_first_.pop_front();
}

bool HttpLogins::is_away() {
  if (failed_in_row_ < kAwayAfter) return false;
  const std::uint64_t now_ms = clock_ms();
  if (now_ms < tried_ms_ + kTryAgainMs) return true;
  tried_ms_ = now_ms;
  return false;
}

void HttpLogins::learn(const HttpAnswer& answer) {
  if (answer.word == Word::unclear) {
    ++counters_.failed;
    tried_ms_ = clock_ms();
    if (++failed_in_row_ == kAwayAfter) {
      log(LogLevel::error, "login_server_away",
          {{"url", section_.url},
           {"reason", answer.why},
           {"result", "log-ins that it is to decide are refused, one a second tries it"},
           {"remedy", "look at that server, and at auth.http_auth_url"}});
    }
    log(LogLevel::warning, "login_server_failed", {{"url", section_.url}, {"reason", answer.why}});
    return;
  }
  ++(answer.word == Word::allowed ? counters_.allowed : counters_.refused);
  if (std::exchange(failed_in_row_, 0) >= kAwayAfter)
    log(LogLevel::notice, "login_server_back", {{"url", section_.url}});
}

LoginWorker::Number HttpLogins::ask(const Credentials& who, std::string_view listener,
                                    Answer answer) {
  std::string text = question_of(who, listener);
  const std::size_t weight = text.capacity() + who.username.capacity() + sizeof(HttpAnswer);
  auto question = std::make_shared<const Secret>(std::move(text));
  auto said = std::make_shared<HttpAnswer>();
  return worker_.check(
      [said, question, server = server_, username = who.username] {
        *said = server->ask(*question, username);
        return said->word == Word::allowed;
      },
      weight,
      [this, said, key = key_of(who, listener), server = server_, answer](bool) {
        learn(*said);
        // Not what was allowed before a reload.
        if (said->word == Word::allowed && server == server_) remember(key, said->claims);
        answer(std::move(*said));
      });
}

}  // namespace tandemq::broker
