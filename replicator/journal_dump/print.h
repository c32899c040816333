// Journal records as lines for a person or as JSON.
#pragma once

#include <cstdint>
#include <string>

#include "broker/base/ids.h"
#include "replicator/core/frame.h"

namespace tandemq::repl {

struct PrintOptions {
  Lsn from = 0;
  Lsn to = ~Lsn{0};
  bool json = false;
  bool bodies = false;  // in hexadecimal as well
};

// What the record says, control records included; an unreadable body is told as such.
std::string describe_frame(const FrameView& frame);
// "epoch 3 of node 2" as "3.2".
std::string epoch_text(Epoch epoch);
// One line without its end, empty when the record is not asked for.
std::string print_frame(const PrintOptions& options, const std::string& path,
                        const FrameView& frame, std::uint64_t offset);

}  // namespace tandemq::repl
