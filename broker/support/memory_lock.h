// Memory of this process.
#pragma once

namespace tandemq {

// What has been touched stays in memory: under pressure the kernel takes pages away, of programs as
// well, and a process that waits for the disk to bring them back looks as if it hung. Needs
// RLIMIT_MEMLOCK or CAP_IPC_LOCK; says in the log when it is not granted. Of no effect on threads'
// stacks and what else is only reserved: that is locked page by page (MCL_ONFAULT).
void lock_memory();

}  // namespace tandemq
