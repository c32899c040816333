// A node of the trie of retained messages. Only Retained and its cursors include this.
#pragma once

#include <cstring>
#include <new>
#include <string_view>

#include "broker/core/message.h"

namespace tandemq::core {

// The text of the level follows the node in the same allocation.
struct RetainedNode {
  RetainedNode* parent = nullptr;  // null: first level
  RetainedNode* first = nullptr;   // children
  RetainedNode* last = nullptr;
  RetainedNode* previous = nullptr;  // siblings
  RetainedNode* next = nullptr;
  std::uint64_t hash = 0;
  std::uint64_t stored = 0;  // number of the message
  MessageRef message;
  std::uint32_t level_size = 0;

  std::string_view level() const { return {reinterpret_cast<const char*>(this + 1), level_size}; }

  static RetainedNode* create(std::string_view level) {
    auto* node = new (::operator new(sizeof(RetainedNode) + level.size())) RetainedNode;
    node->level_size = static_cast<std::uint32_t>(level.size());
    if (!level.empty()) std::memcpy(reinterpret_cast<char*>(node + 1), level.data(), level.size());
    return node;
  }
  static void destroy(RetainedNode* node) {
    node->~RetainedNode();
    ::operator delete(node);
  }
};

}  // namespace tandemq::core
