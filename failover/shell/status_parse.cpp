#include "failover/shell/status_parse.h"

#include <nlohmann/json.hpp>

namespace tandemq::failover {
namespace {

template <class T>
T member(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return {};
  if constexpr (std::is_same_v<T, bool>) {
    return found->is_boolean() && found->get<bool>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    return found->is_string() ? found->get<std::string>() : std::string();
  } else {
    return found->is_number_unsigned() ? found->get<T>() : T{};
  }
}

}  // namespace

Role role_from(const std::string& name) {
  if (name == "primary") return Role::primary;
  return name == "standby" ? Role::standby : Role::fenced;
}

PairState pair_state_from(const std::string& name) {
  if (name == "paired") return PairState::paired;
  if (name == "solo") return PairState::solo;
  return name == "resyncing" ? PairState::resyncing : PairState::waiting;
}

BrokerStatus parse_status(const nlohmann::json& status) {
  BrokerStatus b;
  if (!status.is_object()) return b;
  b.role = role_from(member<std::string>(status, "role"));
  b.pair_state = pair_state_from(member<std::string>(status, "pair_state"));
  b.epoch = member<Epoch>(status, "epoch");
  b.last_lsn = member<Lsn>(status, "last_lsn");
  b.in_sync = member<bool>(status, "in_sync");
  b.was_in_sync = member<bool>(status, "was_in_sync");
  b.was_solo = member<bool>(status, "was_solo");
  b.lost_alone = member<bool>(status, "lost_alone");
  b.peer_connected = member<bool>(status, "peer_connected");
  b.peer_silent_ms = member<std::uint64_t>(status, "peer_silent_ms");
  b.change = member<std::uint64_t>(status, "change");
  return b;
}

std::map<std::string, std::string> checksums_of(const nlohmann::json& status) {
  std::map<std::string, std::string> out;
  const auto told = status.is_object() ? status.find("checksums") : status.end();
  if (told == status.end() || !told->is_object()) return out;
  for (const auto& [name, sum] : told->items()) {
    if (sum.is_string()) out[name] = sum.get<std::string>();
  }
  return out;
}

}  // namespace tandemq::failover
