// A shell command beside the measurement.
#pragma once

#include <sys/types.h>

#include <string>

namespace tandemq::bench {

class Command {
 public:
  // Starts `sh -c text`; at most once.
  void start(const std::string& text);
  bool started() const { return process_ != 0; }
  // Exit code, waited for; 128 + signal if it was killed, 127 if it could not start.
  int wait();

 private:
  pid_t process_ = 0;
};

}  // namespace tandemq::bench
