// Random records that fit: a small model proposes them, core::State says whether they do. So every
// kind of record comes up in every order that apply accepts, also in orders the engine never makes.
#pragma once

#include <random>

#include "tests/unit/checkpoint/support.h"

namespace tandemq::broker::test {

class RandomRecords {
 public:
  // Applies what it makes to `state` and appends it to `journal`.
  RandomRecords(std::uint64_t seed, core::State& state, MemoryJournal& journal);
  // Makes one more record that fits.
  void step();

 private:
  using Id = core::SessionId;
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class T>
  const T& any_of(const std::vector<T>& from) {
    return from[below(from.size())];
  }
  struct Open {  // what the model knows about a session
    Id id;
    std::string client_id;
    std::vector<std::uint16_t> in_flight, inbound;
    std::uint64_t next_sequence = 1;
    std::uint64_t queued = 0;
    std::uint16_t next_packet_id = 1;
  };

  bool propose(core::Kind kind);
  bool begin_reign();
  bool set_account();
  bool open_session();
  bool close_session();
  bool remove_session();
  bool publish();
  bool subscribe();
  bool unsubscribe();
  bool queue_retained();
  bool acknowledge(core::Kind kind);
  bool send();
  bool drop();
  bool release();
  bool control_record();
  bool try_record(const core::Record& record);
  core::Target make_target(Open& session);
  core::MessageRef make_message();
  std::string filter();
  std::string topic() { return "plant/" + std::to_string(below(6)) + "/temperature"; }

  std::mt19937_64 random_;
  core::State& state_;
  MemoryJournal& journal_;
  std::vector<Open> open_;
  Id next_id_ = 1;
  TimeMs time_ = 1'000'000;
  unsigned reigns_ = 1;
};

}  // namespace tandemq::broker::test
