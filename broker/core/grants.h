// What a client may do: decided once when its session is first asked about, held with the session,
// and decided anew when the rules have changed.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace tandemq::core {

// The rights of one client.
class Grants {
 public:
  virtual ~Grants() = default;
  virtual bool may_publish(std::string_view topic) const = 0;
  virtual bool may_subscribe(std::string_view filter) const = 0;
  // Asked for every message and receiver.
  bool may_receive(std::string_view topic) const {
    return (receives_all_ && !topic.starts_with('$')) || may_receive_one(topic);
  }

 protected:
  virtual bool may_receive_one(std::string_view topic) const = 0;
  bool receives_all_ = false;  // every topic that does not begin with $: no need to look closer
};

using GrantsRef = std::shared_ptr<const Grants>;  // null: everything is allowed

// Decides them; the shell gives an implementation.
class Permissions {
 public:
  virtual ~Permissions() = default;
  // Never 0. Another number than before: grants from before count no more.
  virtual std::uint32_t revision() const = 0;
  // `listener`: by which the client came in. They may have different rules.
  virtual GrantsRef decide(std::string_view listener, std::string_view client_id,
                           std::string_view username) const = 0;
};

// What a session holds of them.
struct HeldGrants {
  GrantsRef grants;
  std::uint32_t revision = 0;  // of the rules by which they were decided; 0: not yet
  GrantsRef own = {};          // what its log-in allows, beside the rules; null: everything
};

}  // namespace tandemq::core
