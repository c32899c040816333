// Exit codes of the daemons (docs/configuration.md). An Error that keeps a daemon from starting
// carries one of them.
#pragma once

namespace tandemq {

constexpr int kExitConfiguration = 2;  // the configuration is wrong, or the data are of
                                       // another pair, node or program version
constexpr int kExitEnvironment = 3;    // the host refuses: port in use, folder not writable
constexpr int kExitDamaged = 4;        // data is damaged, or the disk failed

}  // namespace tandemq
