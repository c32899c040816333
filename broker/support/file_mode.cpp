#include "broker/support/file_mode.h"

#include <sys/stat.h>

namespace tandemq {

void keep_files_private() {
  umask(umask(0077) | 0027);
}

}  // namespace tandemq
