// The mode of the files that this process makes.
#pragma once

namespace tandemq {

// From now on others than owner and group have no right to any of them, whatever the caller's
// umask, or a library, would give. Before threads are started.
void keep_files_private();

}  // namespace tandemq
