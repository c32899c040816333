// What systemd is told: readiness, a status sentence, the watchdog (systemd's sd_notify protocol).
// All of it does nothing when the process was not started by systemd.
#pragma once

#include <cstdint>
#include <string>

namespace tandemq {

void notify_ready();
void notify_stopping();
void notify_reloading();  // until notify_ready() is called again
void notify_status(const std::string& sentence);
void notify_watchdog();
// A long start goes on: systemd waits `seconds` more.
void notify_extend_start(unsigned seconds);

// Standard error goes to the journal, which reads a line's priority off a `<4>` at its beginning.
bool stderr_is_journal();

}  // namespace tandemq
