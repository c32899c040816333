/* LD_PRELOAD for tests: a resolver that does not answer. While the file named by NO_RESOLVER exists, to
   look up a name takes SLOW_RESOLVER seconds and fails then; afterwards every name is this host's.
   Addresses are read as always. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

int getaddrinfo(const char* node, const char* service, const struct addrinfo* hints,
                struct addrinfo** found) {
  __typeof__(&getaddrinfo) real = (__typeof__(&getaddrinfo))dlsym(RTLD_NEXT, "getaddrinfo");
  struct addrinfo numeric = hints ? *hints : (struct addrinfo){0};
  numeric.ai_flags |= AI_NUMERICHOST;
  if (!node) return real(node, service, hints, found);
  if (real(node, service, &numeric, found) == 0) return 0;
  if (access(getenv("NO_RESOLVER"), F_OK) != 0) return real("127.0.0.1", service, hints, found);
  for (int left = atoi(getenv("SLOW_RESOLVER")); left > 0;) left = (int)sleep((unsigned)left);
  return EAI_AGAIN;
}
