#include "broker/support/service_notify.h"

#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace tandemq {

void notify_ready() {
  sd_notify(0, "READY=1");
}
void notify_stopping() {
  sd_notify(0, "STOPPING=1");
}
void notify_reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto us = static_cast<unsigned long long>(now.tv_sec) * 1'000'000 +
                  static_cast<unsigned long long>(now.tv_nsec) / 1'000;
  sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us)).c_str());
}
void notify_status(const std::string& sentence) {
  sd_notify(0, ("STATUS=" + sentence).c_str());
}
void notify_watchdog() {
  sd_notify(0, "WATCHDOG=1");
}
void notify_extend_start(unsigned seconds) {
  sd_notify(0, ("EXTEND_TIMEOUT_USEC=" + std::to_string(seconds) + "000000").c_str());
}

bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");  // device:inode
  struct stat own {};
  if (stream == nullptr || fstat(STDERR_FILENO, &own) != 0) return false;
  return stream == std::to_string(own.st_dev) + ":" + std::to_string(own.st_ino);
}

}  // namespace tandemq
