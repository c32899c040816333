// Memory of this process.
#pragma once

namespace tandemq {

// What has been touched stays in memory: under pressure the kernel takes pages away, of programs as
// well, and a process that waits for the disk to bring them back looks as if it hung. Needs
// CAP_IPC_LOCK or RLIMIT_MEMLOCK without a limit; says in the log when it is not granted. What is
// only reserved, as threads' stacks, is locked page by page when it is touched (MCL_ONFAULT).
void lock_memory();

}  // namespace tandemq
