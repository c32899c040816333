// A frame where its writer has made room for it; write_frame (frame.h) makes the room itself.
#pragma once

#include "replicator/core/frame.h"

namespace tandemq::repl {

// kFrameHeader + body.size() bytes from `at` on.
void write_frame_at(char* at, Epoch epoch, Lsn lsn, std::uint16_t kind, const ByteSource& body,
                    std::uint8_t version);

}  // namespace tandemq::repl
