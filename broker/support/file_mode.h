// The mode of the files that this process makes.
#pragma once

#include <string>

namespace tandemq {

// From now on others than owner and group have no right to any of them, whatever the caller's
// umask, or a library, would give. Before threads are started.
void keep_files_private();

// What is wrong with the mode of a secret file and how to mend it; empty: nothing, or there is no
// such file. `key`: of the configuration. `reader`: "the broker".
std::string doubt_about_mode(const std::string& key, const std::string& path,
                             const std::string& reader);

}  // namespace tandemq
