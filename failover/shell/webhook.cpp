#include "failover/shell/webhook.h"

#include <curl/curl.h>

#include <map>

#include "broker/support/log.h"
#include "failover/shell/loop.h"

namespace tandemq::failover {
namespace {

constexpr std::size_t kUnderWayMax = 16;
constexpr std::uint64_t kTurnMs = 20;  // only while something is under way
constexpr long kTimeoutMs = 5000;

std::size_t ignore(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

}  // namespace

struct Webhook::Impl {
  Impl(event_base* base, std::string target)
      : url(std::move(target)), timer(base, [this] { turn(); }) {
    if (url.empty()) return;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    headers = curl_slist_append(nullptr, "Content-Type: application/json");
  }
  ~Impl() {
    for (const auto& [easy, body] : under_way) {
      curl_multi_remove_handle(multi, easy);
      curl_easy_cleanup(easy);
    }
    if (multi) curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
  }
  void turn();
  void finish(CURL* easy, CURLcode result);

  std::string url;
  Timer timer;
  CURLM* multi = nullptr;
  curl_slist* headers = nullptr;
  std::map<CURL*, std::string> under_way;  // with the body that libcurl reads from
};

Webhook::Webhook(event_base* base, std::string url)
    : impl_(std::make_unique<Impl>(base, std::move(url))) {}
Webhook::~Webhook() = default;

void Webhook::post(const std::string& body) {
  if (!impl_->multi) return;
  if (impl_->under_way.size() >= kUnderWayMax) {
    return log(LogLevel::warning, "webhook_dropped", {{"reason", "too many are under way"}});
  }
  CURL* easy = curl_easy_init();
  const std::string& kept = impl_->under_way.emplace(easy, body).first->second;
  curl_easy_setopt(easy, CURLOPT_URL, impl_->url.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, impl_->headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, kept.c_str());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(kept.size()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, kTimeoutMs);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &ignore);
  curl_multi_add_handle(impl_->multi, easy);
  impl_->timer.every(kTurnMs);
}

void Webhook::Impl::turn() {
  int running = 0;
  curl_multi_perform(multi, &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE) finish(message->easy_handle, message->data.result);
  }
  if (under_way.empty()) timer.stop();
}

void Webhook::Impl::finish(CURL* easy, CURLcode result) {
  if (result != CURLE_OK) {
    log(LogLevel::warning, "webhook_failed", {{"reason", curl_easy_strerror(result)}});
  }
  curl_multi_remove_handle(multi, easy);
  curl_easy_cleanup(easy);
  under_way.erase(easy);
}

}  // namespace tandemq::failover
