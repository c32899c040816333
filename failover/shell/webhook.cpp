#include "failover/shell/webhook.h"

#include <curl/curl.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "broker/support/log.h"

namespace tandemq::failover {
namespace {

constexpr std::size_t kWaitingMax = 16;
constexpr long kTimeoutMs = 5000;

std::size_t ignore(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

void deliver(const std::string& url, const std::string& body) {
  CURL* easy = curl_easy_init();
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, kTimeoutMs);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &ignore);
  const CURLcode result = curl_easy_perform(easy);
  if (result != CURLE_OK) {
    log(LogLevel::warning, "webhook_failed", {{"reason", curl_easy_strerror(result)}});
  }
  curl_easy_cleanup(easy);
  curl_slist_free_all(headers);
}

}  // namespace

struct Webhook::Queue {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> waiting;
  bool ended = false;

  // The next body; false when there will be none.
  bool take(std::string& body) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return ended || !waiting.empty(); });
    if (ended) return false;
    body = std::move(waiting.front());
    waiting.pop_front();
    return true;
  }
};

Webhook::Webhook(const std::string& url) {
  if (url.empty()) return;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  queue_ = std::make_shared<Queue>();
  std::thread([url, queue = queue_] {
    for (std::string body; queue->take(body);) deliver(url, body);
  }).detach();
}

Webhook::~Webhook() {
  if (!queue_) return;
  const std::lock_guard lock(queue_->mutex);
  queue_->ended = true;
  queue_->changed.notify_one();
}

void Webhook::post(std::string body) {
  if (!queue_) return;
  const std::lock_guard lock(queue_->mutex);
  if (queue_->waiting.size() >= kWaitingMax) {
    return log(LogLevel::warning, "webhook_dropped", {{"reason", "too many are under way"}});
  }
  queue_->waiting.push_back(std::move(body));
  queue_->changed.notify_one();
}

}  // namespace tandemq::failover
