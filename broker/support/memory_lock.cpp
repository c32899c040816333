#include "broker/support/memory_lock.h"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "broker/support/log.h"

namespace tandemq {
namespace {

// Below a limit the lock is granted, and what is asked for later fails.
bool is_unlimited() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY) return true;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3]{};
  return ::syscall(SYS_capget, &header, held) == 0 && (held[0].effective & 1u << CAP_IPC_LOCK) != 0;
}

}  // namespace

void lock_memory() {
  const bool unlimited = is_unlimited();
  if (unlimited && ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0) return;
  log(LogLevel::notice, "memory_not_locked",
      {{"reason", unlimited ? std::strerror(errno) : "RLIMIT_MEMLOCK has a limit"},
       {"text", "under pressure the kernel may take its pages away; LimitMEMLOCK=infinity"}});
}

}  // namespace tandemq
