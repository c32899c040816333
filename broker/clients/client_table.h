// All clients, in slots that do not move and are used again. A ConnId is the slot with its
// generation, so that a late effect for a connection that is gone finds nothing.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/base/check.h"
#include "broker/clients/client.h"

namespace tandemq::broker {

class ClientTable {
 public:
  // A client with a fresh id; `arguments` are what Client takes after it.
  template <class... A>
  Client& open(A&&... arguments) {
    if (free_.empty()) grow();
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = at(index);
    ++slot.generation;
    TMQ_CHECK(slot.generation != 0);
    ++used_;
    const core::ConnId id = core::ConnId{slot.generation} << 32 | index;
    return slot.client.emplace(id, std::forward<A>(arguments)...);
  }

  void close(Client& client) {
    const auto index = static_cast<std::uint32_t>(client.id);
    at(index).client.reset();
    free_.push_back(index);
    --used_;
  }

  Client* find(core::ConnId id) {
    const auto index = static_cast<std::uint32_t>(id);
    if (index >= chunks_.size() * kChunk) return nullptr;
    std::optional<Client>& client = at(index).client;
    return client && client->id == id ? &*client : nullptr;
  }

  std::size_t size() const { return used_; }

  // Calls f for every client; f may close the one it gets.
  template <class F>
  void each(F f) {
    for (auto& chunk : chunks_) {
      for (Slot& slot : *chunk) {
        if (slot.client) f(*slot.client);
      }
    }
  }

 private:
  static constexpr std::size_t kChunk = 64;
  struct Slot {
    std::uint32_t generation = 0;  // of the client that is or was here; 0: none ever
    std::optional<Client> client;
  };

  Slot& at(std::uint32_t index) { return (*chunks_[index / kChunk])[index % kChunk]; }
  void grow() {
    const auto first = static_cast<std::uint32_t>(chunks_.size() * kChunk);
    chunks_.push_back(std::make_unique<std::array<Slot, kChunk>>());
    for (std::uint32_t i = kChunk; i-- > 0;) free_.push_back(first + i);
  }

  std::vector<std::unique_ptr<std::array<Slot, kChunk>>> chunks_;
  std::vector<std::uint32_t> free_;
  std::size_t used_ = 0;
};

}  // namespace tandemq::broker
