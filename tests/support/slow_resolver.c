/* LD_PRELOAD for tests: a resolver that does not answer. To look up a name takes SLOW_RESOLVER seconds, and
   fails then; addresses are read as always. */
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
  if (!node || real(node, service, &numeric, found) == 0) {
    return node ? 0 : real(node, service, hints, found);
  }
  for (int left = atoi(getenv("SLOW_RESOLVER")); left > 0;) left = (int)sleep((unsigned)left);
  return EAI_AGAIN;
}
