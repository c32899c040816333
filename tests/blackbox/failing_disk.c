/* LD_PRELOAD for tests: a disk that fails. While the file named by FAILING_DISK exists, calls on
   files whose path contains its first line fail: fsync and fdatasync with EIO, and write, pwrite and
   fallocate with ENOSPC when its second line is "full". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(int fd, int writing) {
  const char* trigger = getenv("FAILING_DISK");
  if (!trigger || access(trigger, F_OK) != 0) return 0;
  char wanted[256] = "", mode[16] = "", link[64], path[4096];
  FILE* file = fopen(trigger, "re");
  if (!file) return 0;
  if (!fgets(wanted, sizeof wanted, file)) wanted[0] = 0;
  if (!fgets(mode, sizeof mode, file)) mode[0] = 0;
  fclose(file);
  wanted[strcspn(wanted, "\n")] = 0;
  mode[strcspn(mode, "\n")] = 0;
  const int full = strcmp(mode, "full") == 0;
  if (full != writing) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return 0;
  path[size] = 0;
  if (!strstr(path, wanted)) return 0;
  errno = full ? ENOSPC : EIO;
  return 1;
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int fsync(int fd) {
  REAL(fsync);
  return fails(fd, 0) ? -1 : real(fd);
}
int fdatasync(int fd) {
  REAL(fdatasync);
  return fails(fd, 0) ? -1 : real(fd);
}
ssize_t write(int fd, const void* data, size_t size) {
  REAL(write);
  return fails(fd, 1) ? -1 : real(fd, data, size);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  REAL(pwrite);
  return fails(fd, 1) ? -1 : real(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  REAL(pwrite64);
  return fails(fd, 1) ? -1 : real(fd, data, size, at);
}
int fallocate(int fd, int mode, off_t at, off_t size) {
  REAL(fallocate);
  return fails(fd, 1) ? -1 : real(fd, mode, at, size);
}
int posix_fallocate(int fd, off_t at, off_t size) {
  REAL(posix_fallocate);
  return fails(fd, 1) ? ENOSPC : real(fd, at, size);
}
