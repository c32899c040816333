#include "failover/shell/history.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "failover/shell/loop.h"

namespace tandemq::failover {

using nlohmann::json;

std::string rfc3339(std::uint64_t wall_ms) {
  const time_t seconds = static_cast<time_t>(wall_ms / 1000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char date[32], text[48];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text, sizeof text, "%s.%03uZ", date, static_cast<unsigned>(wall_ms % 1000));
  return text;
}

json to_json(const Change& c) {
  return {{"time", rfc3339(c.wall_ms)},
          {"time_ms", c.wall_ms},
          {"from", c.from},
          {"to", c.to},
          {"cause", c.cause},
          {"reason", c.reason},
          {"detection_ms", c.detection_ms},
          {"promotion_ms", c.promotion_ms},
          {"first_client_ms", c.first_client_ms},
          {"sessions_95_ms", c.sessions_95_ms}};
}

namespace {

Change change_from(const json& j) {
  Change c;
  c.wall_ms = j.at("time_ms").get<std::uint64_t>();
  c.from = j.at("from").get<std::string>();
  c.to = j.at("to").get<std::string>();
  c.cause = j.at("cause").get<std::string>();
  c.reason = j.at("reason").get<std::string>();
  c.detection_ms = j.at("detection_ms").get<std::int64_t>();
  c.promotion_ms = j.at("promotion_ms").get<std::int64_t>();
  c.first_client_ms = j.at("first_client_ms").get<std::int64_t>();
  c.sessions_95_ms = j.at("sessions_95_ms").get<std::int64_t>();
  return c;
}

}  // namespace

History::History(std::string file) : file_(std::move(file)), writer_([this] { write_loop(); }) {}

History::~History() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  writer_.join();
}

void History::load() {
  std::ifstream file(file_);
  for (std::string line; std::getline(file, line);) {
    try {
      changes_.push_back(change_from(json::parse(line)));
    } catch (const json::exception&) {
      continue;
    }
    if (changes_.size() > kKept) changes_.pop_front();
  }
}

std::uint64_t History::add(Change change) {
  changes_.push_back(std::move(change));
  if (changes_.size() > kKept) changes_.pop_front();
  save();
  return ++numbers_;
}

Change* History::find(std::uint64_t number) {
  const std::uint64_t back = numbers_ - number;
  return number == 0 || back >= changes_.size()
             ? nullptr
             : &*(changes_.rbegin() + static_cast<std::ptrdiff_t>(back));
}

void History::save() {
  std::string text;
  for (const Change& change : changes_) {
    text += to_json(change).dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  }
  {
    const std::lock_guard lock(mutex_);
    text_ = std::move(text);
    dirty_ = true;
  }
  wake_.notify_one();
}

void History::write_loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return dirty_ || stop_; });
    if (!dirty_) return;
    dirty_ = false;
    const std::string text = std::move(text_);
    lock.unlock();
    const std::string temporary = file_ + ".new";
    Fd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
    const bool written =
        fd && write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    // The history is for people; an agent without a place to write it still does its work.
    if (!written || rename(temporary.c_str(), file_.c_str()) != 0) unlink(temporary.c_str());
    lock.lock();
  }
}

}  // namespace tandemq::failover
