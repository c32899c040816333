// The one way from a decision to the state: what decide itself holds of the state is const.
#pragma once

#include "broker/base/byte_source.h"
#include "broker/base/check.h"
#include "broker/core/record_codec.h"
#include "broker/core/record_sink.h"
#include "broker/core/state_impl.h"

namespace tandemq::core {

class Committer {
 public:
  // Both outlive the committer.
  Committer(State::Impl& state, RecordSink& sink) : state_(state), sink_(sink) {}

  // Writes the record to the sink if it is about a durable session, and applies it.
  template <class R>
  void commit(SessionId about, const R& record, const Audience& to) {
    Lsn lsn = 0;
    if (!is_volatile(about)) lsn = append(record);
    state_.apply(lsn, record, &to);
  }
  // As RecordSink::writes.
  std::uint8_t writes(Kind kind) const { return sink_.writes(kind); }
  // Effects from now on wait for a proof that this node still reigns, where there is one. It may be
  // a record that the state has passed already.
  void prove_reign() {
    const Lsn lsn = sink_.prove_reign();
    if (lsn > state_.last_lsn) state_.note(lsn);
  }

 private:
  template <class R>
  Lsn append(const R& record) {
    const Kind kind = kind_of_body(record);
    std::uint8_t version = kNewestBody;
    if constexpr (kHasGrown<R>) version = writes(kind);
    const std::size_t size = body_size(record, version);
    TMQ_CHECK(size <= kBodyMax);
    const auto write = [&](char* at) { return write_body(at, record, version); };
    return sink_.append(kind, ByteSource(size, write));
  }

  State::Impl& state_;
  RecordSink& sink_;
};

}  // namespace tandemq::core
