// Judges what a broker delivered: is every acknowledged message there, once where once was
// promised, and in order? Streams are numbered; a stream is one publisher at one QoS on its way to
// one subscriber, its messages numbered from 0.
#pragma once

#include <cstdint>
#include <vector>

namespace tandemq::bench {

class DeliveryCheck {
 public:
  struct Verdict {
    std::uint64_t lost = 0;  // acknowledged, never delivered
    std::uint64_t delivered = 0;
    std::uint64_t qos1_duplicates = 0;
    std::uint64_t qos2_duplicates = 0;
    std::uint64_t order_violations = 0;
  };

  explicit DeliveryCheck(std::size_t sources) : acknowledged_(sources) {}

  // A source is a publisher at one QoS; each subscriber to it has a stream. Returns its number.
  std::size_t add_stream(std::size_t source, int qos);

  void acknowledged(std::size_t source, std::uint64_t sequence);
  void delivered(std::size_t stream, std::uint64_t sequence);

  // `lost` is counted anew, so this may be asked while messages are still on their way.
  Verdict verdict() const;

 private:
  // Sets the bit; false if it was set.
  static bool set(std::vector<bool>& bits, std::uint64_t index);

  struct Stream {
    std::size_t source;
    int qos;
    std::vector<bool> seen;
    std::uint64_t next = 0;  // one above the highest sequence delivered
  };

  std::vector<std::vector<bool>> acknowledged_;
  std::vector<Stream> streams_;
  Verdict counts_;
};

}  // namespace tandemq::bench
