// The test build TANDEMQ_NEXT stands for the next release: a kind of record that this one does not
// have. docs/decisions/versions.md says what is tested with it; in other builds nothing of it is
// compiled.
#pragma once

#include <cstdint>
#include <string>

#include "broker/base/bytes.h"
#include "broker/base/ids.h"

namespace tandemq::core {

// Moves the state's time, which a checkpoint keeps: whoever leaves it out differs.
struct Noted {
  TimeMs time = 0;
};

template <class Out>
void put(Out& out, const Noted& r) {
  out.u64(r.time);
}
inline void read(ByteReader& in, Noted& r) {
  r.time = in.le<std::uint64_t>();
}
inline std::string fields(const Noted& r) {
  return " time=" + std::to_string(r.time);
}
template <class State>
const char* fault_of(const State&, const Noted&) {
  return nullptr;
}

}  // namespace tandemq::core
