// All client connections, in slots that do not move and are used again. A ConnId is the slot with
// its generation, so that a late effect for a connection that is gone finds nothing.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "broker/base/check.h"
#include "broker/shell/connection.h"

namespace tandemq::broker {

class ConnectionTable {
 public:
  // A slot with a fresh id, everything else at its defaults.
  Connection& open() {
    if (free_.empty()) grow();
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Connection& connection = at(index);
    const std::uint64_t generation = (connection.id >> 32) + 1;
    TMQ_CHECK(generation < (std::uint64_t{1} << 32));
    connection.id = generation << 32 | index;
    ++used_;
    return connection;
  }

  void close(Connection& connection) {
    const core::ConnId id = connection.id;
    connection = Connection{};
    connection.id = id;
    free_.push_back(static_cast<std::uint32_t>(id));
    --used_;
  }

  Connection* find(core::ConnId id) {
    const auto index = static_cast<std::uint32_t>(id);
    if (index >= chunks_.size() * kChunk) return nullptr;
    Connection& connection = at(index);
    return connection.id == id && connection.stage != Stage::free ? &connection : nullptr;
  }

  std::size_t size() const { return used_; }

  // Calls f for every connection in use; f may close the one it gets.
  template <class F>
  void each(F f) {
    for (auto& chunk : chunks_) {
      for (Connection& connection : *chunk) {
        if (connection.stage != Stage::free) f(connection);
      }
    }
  }

 private:
  static constexpr std::size_t kChunk = 64;

  Connection& at(std::uint32_t index) { return (*chunks_[index / kChunk])[index % kChunk]; }
  void grow() {
    const auto first = static_cast<std::uint32_t>(chunks_.size() * kChunk);
    chunks_.push_back(std::make_unique<std::array<Connection, kChunk>>());
    for (std::uint32_t i = kChunk; i-- > 0;) {
      at(first + i).id = first + i;  // generation 0: never handed out
      free_.push_back(first + i);
    }
  }

  std::vector<std::unique_ptr<std::array<Connection, kChunk>>> chunks_;
  std::vector<std::uint32_t> free_;
  std::size_t used_ = 0;
};

}  // namespace tandemq::broker
