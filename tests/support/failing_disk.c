/* LD_PRELOAD for tests: a disk that fails. While the file named by FAILING_DISK exists, calls on
   files whose path contains its first line fail: fsync and fdatasync with EIO, and write, pwrite and
   fallocate with ENOSPC when its second line is "full"; when it is "refuse N", these and opening to
   write with the error of that number. With "slow MS" as second line fsync and fdatasync take that
   long, where a third line is given only of files that contain it; with "read MS" each pread
   does. */
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

static void read_line(FILE* file, char* line, int size) {
  if (!fgets(line, size, file)) line[0] = 0;
  line[strcspn(line, "\n")] = 0;
}

static int contains(const char* path, const char* text) {
  char content[4096];
  FILE* file = fopen(path, "re");
  if (!file) return 0;
  content[fread(content, 1, sizeof content - 1, file)] = 0;
  fclose(file);
  return strstr(content, text) != NULL;
}

enum { kSync, kWrite, kRead, kOpen };

static int fails_at(const char* path, int doing) {
  const char* trigger = getenv("FAILING_DISK");
  if (!trigger || access(trigger, F_OK) != 0) return 0;
  char wanted[256], mode[16], text[256];
  FILE* file = fopen(trigger, "re");
  if (!file) return 0;
  read_line(file, wanted, sizeof wanted);
  read_line(file, mode, sizeof mode);
  read_line(file, text, sizeof text);
  fclose(file);
  const int full = strcmp(mode, "full") == 0;
  const int refuse = strncmp(mode, "refuse ", 7) == 0;
  const int read = strncmp(mode, "read ", 5) == 0;
  if (!strstr(path, wanted)) return 0;
  if (refuse ? doing != kWrite && doing != kOpen : doing != (full ? kWrite : read ? kRead : kSync)) {
    return 0;
  }
  if (read || strncmp(mode, "slow ", 5) == 0) {
    if (!text[0] || contains(path, text)) usleep(1000 * (useconds_t)atoi(mode + 5));
    return 0;
  }
  errno = full ? ENOSPC : refuse ? atoi(mode + 7) : EIO;
  return 1;
}

static int fails(int fd, int doing) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return 0;
  path[size] = 0;
  return fails_at(path, doing);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define OPEN(name)                                                                    \
  int name(const char* path, int flags, ...) {                                       \
    REAL(name);                                                                       \
    va_list more;                                                                     \
    va_start(more, flags);                                                            \
    const mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;                   \
    va_end(more);                                                                     \
    if ((flags & O_ACCMODE) != O_RDONLY && fails_at(path, kOpen)) return -1;          \
    return real(path, flags, mode);                                                   \
  }
OPEN(open)
OPEN(open64)

int fsync(int fd) {
  REAL(fsync);
  return fails(fd, kSync) ? -1 : real(fd);
}
int fdatasync(int fd) {
  REAL(fdatasync);
  return fails(fd, kSync) ? -1 : real(fd);
}
ssize_t write(int fd, const void* data, size_t size) {
  REAL(write);
  return fails(fd, kWrite) ? -1 : real(fd, data, size);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  REAL(pwrite);
  return fails(fd, kWrite) ? -1 : real(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  REAL(pwrite64);
  return fails(fd, kWrite) ? -1 : real(fd, data, size, at);
}
int fallocate(int fd, int mode, off_t at, off_t size) {
  REAL(fallocate);
  return fails(fd, kWrite) ? -1 : real(fd, mode, at, size);
}
int posix_fallocate(int fd, off_t at, off_t size) {
  REAL(posix_fallocate);
  return fails(fd, kWrite) ? ENOSPC : real(fd, at, size);
}
ssize_t pread(int fd, void* data, size_t size, off_t at) {
  REAL(pread);
  return fails(fd, kRead) ? -1 : real(fd, data, size, at);
}
ssize_t pread64(int fd, void* data, size_t size, off64_t at) {
  REAL(pread64);
  return fails(fd, kRead) ? -1 : real(fd, data, size, at);
}
