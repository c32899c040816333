// Bounds of the data path that are not worth a configuration key.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandemq::broker {

constexpr std::size_t kReadSize = 128 << 10;        // bytes of one read
constexpr std::size_t kCrowdedReadSize = 16 << 10;  // when a turn does not suffice for everybody
constexpr std::size_t kWorkPerCallback = 16'384;    // packets and effects, a few milliseconds
// Then the turn ends, whoever still waits. Asking the kernel anew costs a look at every ready
// socket.
constexpr std::uint64_t kTurnNs = 10'000'000;
constexpr std::uint64_t kSweepNs = 2'000'000;    // of looking at deadlines in one turn
constexpr std::size_t kEndsPerSweep = 100;       // each costs a send and a shutdown at its end
constexpr std::size_t kFeedPerCallback = 4'096;  // topics looked at for a new subscription

constexpr std::size_t kUnsentMax = 8 << 20;            // bytes to one client; QoS 0 beyond it is
constexpr std::size_t kUnsentRetainedMax = 256 << 20;  // dropped, retained ones only beyond this
constexpr std::size_t kUnsentFeedMax = 1 << 20;        // above it a feed waits
constexpr std::size_t kUnsentAllMax = 1 << 30;         // bytes to all; beyond it each client may
constexpr std::size_t kUnsentCrowded = 64 << 10;       // have only this much, the least limit
constexpr std::size_t kUnsentReadMax = 64 << 20;       // above it a client is not read from

constexpr std::size_t kHeldBytesMax = 64 << 20;  // waiting for commit; then reading stops
constexpr std::size_t kHeldEffectsMax = 500'000;
constexpr std::size_t kUncommittedBytesMax = 128 << 20;  // of records; the same

constexpr std::size_t kProgressBytes = 512;  // of a packet that has not come whole: a sign of life
constexpr std::uint32_t kConnectTimeoutS = 10;
// Then a client behind a proxy counts where it is. A look comes once a second: after one at least.
constexpr std::uint32_t kIntroductionS = 2;
constexpr std::uint32_t kLingerS = 2;

}  // namespace tandemq::broker
