// libevent's priorities: what clients send comes after everything else (the peer, the agent's
// health call, timers), which has the one in the middle, libevent's default.
#pragma once

namespace tandemq::net {

constexpr int kPriorities = 3;
constexpr int kClientPriority = 2;

}  // namespace tandemq::net
