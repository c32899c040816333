#include "failover/shell/memory_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "broker/support/log.h"
#include "failover/shell/loop.h"
#include "failover/shell/status_parse.h"

namespace tandemq::failover {
namespace {

using nlohmann::json;

json to_json(const Remembered& r) {
  const Memory& m = r.memory;
  const BrokerStatus& b = m.broker;
  return {{"owes_lose_sync", m.owes_lose_sync},
          {"owe_outlived", m.owe_outlived},
          {"owe_reign", m.owe_reign},
          {"peer_reign", m.peer_reign},
          {"maybe_solo", m.maybe_solo},
          {"broker_known", m.broker_known},
          {"role", to_string(b.role)},
          {"epoch", b.epoch},
          {"last_lsn", b.last_lsn},
          {"was_in_sync", b.was_in_sync},
          {"was_solo", b.was_solo},
          {"lost_alone", b.lost_alone},
          {"pid", r.broker.pid},
          {"started", r.broker.started}};
}

Remembered remembered_from(const json& j) {
  Remembered r;
  Memory& m = r.memory;
  BrokerStatus& b = m.broker;
  m.owes_lose_sync = j.at("owes_lose_sync").get<bool>();
  m.owe_outlived = j.value("owe_outlived", false);  // not told before 1.0, nor this:
  m.owe_reign = j.value("owe_reign", std::numeric_limits<Epoch>::max());
  m.peer_reign = j.at("peer_reign").get<Epoch>();
  m.maybe_solo = j.at("maybe_solo").get<bool>();
  m.broker_known = j.at("broker_known").get<bool>();
  b.role = role_from(j.at("role").get<std::string>());
  b.epoch = j.at("epoch").get<Epoch>();
  b.last_lsn = j.at("last_lsn").get<Lsn>();
  b.was_in_sync = j.at("was_in_sync").get<bool>();
  b.was_solo = j.at("was_solo").get<bool>();
  b.lost_alone = j.at("lost_alone").get<bool>();
  r.broker.pid = j.at("pid").get<pid_t>();
  r.broker.started = j.at("started").get<std::uint64_t>();
  return r;
}

}  // namespace

Remembered MemoryFile::read() {
  std::ifstream file(path_);
  if (!file) return {};
  try {
    kept_ = remembered_from(json::parse(file));
  } catch (const json::exception& error) {
    log(LogLevel::warning, "memory_damaged", {{"file", path_}, {"reason", error.what()}});
    unlink(path_.c_str());
  }
  return kept_;
}

void MemoryFile::keep(const Remembered& now) {
  if (now.memory.same_as(kept_.memory) && now.broker == kept_.broker && !failed_) return;
  const bool failed = !write(now);
  if (failed) {
    const int reason = errno;
    unlink(path_.c_str());
    if (!failed_)
      log(LogLevel::error, "memory_not_kept",
          {{"file", path_},
           {"reason", std::strerror(reason)},
           {"remedy", "until it can be written, a restart of the agent forgets what it owes"}});
  }
  failed_ = failed;
  kept_ = now;
}

bool MemoryFile::write(const Remembered& now) const {
  const std::string temporary = path_ + ".new";
  const std::string text = to_json(now).dump() + "\n";
  const auto size = static_cast<ssize_t>(text.size());
  Fd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640));
  return fd && ::write(fd.get(), text.data(), text.size()) == size &&
         rename(temporary.c_str(), path_.c_str()) == 0;
}

}  // namespace tandemq::failover
