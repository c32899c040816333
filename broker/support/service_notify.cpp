#include "broker/support/service_notify.h"

#include <systemd/sd-daemon.h>

namespace tandemq {

void notify_ready() {
  sd_notify(0, "READY=1");
}
void notify_stopping() {
  sd_notify(0, "STOPPING=1");
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

}  // namespace tandemq
