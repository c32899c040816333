/* LD_PRELOAD for tests: a wall clock that is stepped. The file named by STEPPED_CLOCK holds by how many
   seconds; it is looked at again every tenth of a second. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

typedef int (*read_clock)(clockid_t, struct timespec*);

static read_clock real(void) {
  static read_clock found;
  if (!found) found = (read_clock)dlsym(RTLD_NEXT, "clock_gettime");
  return found;
}

static long step(void) {
  static long seconds, looked_at = -1;   // in tenths of a second; a race reads the file once more
  struct timespec now;
  real()(CLOCK_MONOTONIC, &now);
  const long tenths = now.tv_sec * 10 + now.tv_nsec / 100000000;
  if (tenths == looked_at) return seconds;
  looked_at = tenths;
  const char* path = getenv("STEPPED_CLOCK");
  FILE* file = path ? fopen(path, "re") : NULL;
  long found;
  if (file && fscanf(file, "%ld", &found) == 1) seconds = found;
  if (file) fclose(file);
  return seconds;
}

int clock_gettime(clockid_t clock, struct timespec* out) {
  const int failed = real()(clock, out);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) out->tv_sec += step();
  return failed;
}

int gettimeofday(struct timeval* restrict out, void* restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}
