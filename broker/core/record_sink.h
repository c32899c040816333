// Where the engine's durable records go.
#pragma once

#include "broker/base/byte_source.h"
#include "broker/base/ids.h"
#include "broker/core/records.h"

namespace tandemq::core {

// Takes durable records, in order. Returns the LSN that the record got.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual Lsn append(Kind kind, const ByteSource& body) = 0;
  // Newest body version of a kind that the peer can read as well, 0: the kind must not be written.
  // Asked for kinds that the first release did not have in their newest version.
  virtual std::uint8_t writes(Kind) const { return kNewestBody; }
  // For an acknowledgement that has no record of its own to wait for: a record that nobody has been
  // sent yet, made for this if there is none. Once it is committed this node was still the one to
  // acknowledge. 0: nobody else could be.
  virtual Lsn prove_reign() { return 0; }
};

}  // namespace tandemq::core
