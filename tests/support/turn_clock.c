/* LD_PRELOAD for measurements: how long each turn of the broker's loop took, from the return of one
   epoll_wait to the next, on the clock and of the processor (a turn that is long on the clock alone
   waited for a processor, or slept in a call). Keeps the longest in the file named by TURN_CLOCK, as
   native 64-bit numbers: turns, ns of the longest on the clock, ns of the longest of the processor,
   turns that slept. Whoever measures sets them back to 0. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct figures {
  uint64_t turns, clock_max, processor_max, slept;
};
struct moment {
  uint64_t clock, processor;
  long sleeps;
};

static struct figures* figures;
static struct moment begun;

static uint64_t read_ns(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static struct moment now(void) {
  struct rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return (struct moment){read_ns(CLOCK_MONOTONIC), read_ns(CLOCK_THREAD_CPUTIME_ID),
                         usage.ru_nvcsw};
}

__attribute__((constructor)) static void open_file(void) {
  const char* path = getenv("TURN_CLOCK");
  const int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
  if (fd < 0 || ftruncate(fd, sizeof *figures) != 0) return;
  void* page = mmap(NULL, sizeof *figures, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page != MAP_FAILED) figures = page;
  close(fd);
}

static void add_turn(void) {
  const struct moment ended = now();
  const uint64_t clock = ended.clock - begun.clock;
  const uint64_t processor = ended.processor - begun.processor;
  ++figures->turns;
  figures->slept += ended.sleeps != begun.sleeps;
  if (clock > figures->clock_max) figures->clock_max = clock;
  if (processor > figures->processor_max) figures->processor_max = processor;
}

int epoll_wait(int epfd, struct epoll_event* events, int most, int timeout) {
  static int (*real)(int, struct epoll_event*, int, int);
  if (!real) real = (int (*)(int, struct epoll_event*, int, int))dlsym(RTLD_NEXT, "epoll_wait");
  if (!figures || syscall(SYS_gettid) != getpid()) return real(epfd, events, most, timeout);
  if (begun.clock != 0) add_turn();
  const int ready = real(epfd, events, most, timeout);
  begun = now();
  return ready;
}
