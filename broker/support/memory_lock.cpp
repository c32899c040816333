#include "broker/support/memory_lock.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "broker/support/log.h"

namespace tandemq {

void lock_memory() {
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0) return;
  log(LogLevel::notice, "memory_not_locked",
      {{"reason", std::strerror(errno)},
       {"text", "under pressure the kernel may take its pages away; LimitMEMLOCK=infinity"}});
}

}  // namespace tandemq
