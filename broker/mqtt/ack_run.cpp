#include "broker/mqtt/ack_run.h"

#include <algorithm>
#include <cstring>

namespace tandemq::mqtt {
namespace {

// First byte and remaining length of the short form; PUBREL has a flag of its own.
constexpr bool is_short_ack(unsigned char first, unsigned char length) {
  return length == 2 && (first == 0x40 || first == 0x50 || first == 0x62 || first == 0x70);
}

}  // namespace

AckRun ack_run(std::string_view in, std::size_t most) {
  AckRun run;
  if (in.size() < AckRun::kPacketSize) return run;
  const auto first = static_cast<unsigned char>(in[0]);
  if (!is_short_ack(first, static_cast<unsigned char>(in[1]))) return run;
  run.type = static_cast<PacketType>(first >> 4);
  run.packets = in.substr(0, std::min(in.size() / AckRun::kPacketSize, most) * AckRun::kPacketSize);
  std::size_t count = 0;
  while (count < run.size() && run.id(count) != 0 &&
         std::memcmp(run.packets.data() + count * AckRun::kPacketSize, in.data(), 2) == 0)
    ++count;
  run.packets = run.packets.substr(0, count * AckRun::kPacketSize);
  return run;
}

}  // namespace tandemq::mqtt
