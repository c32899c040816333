// Words for checks, and members of the daemons' answers, which may be of another version.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "failover/doctor/check.h"

namespace tandemq::doctor {

inline Finding unknown(std::string what) {
  return {Verdict::unknown, std::move(what)};
}
inline Finding good(std::string what) {
  return {Verdict::good, std::move(what)};
}
inline Finding note(std::string what) {
  return {Verdict::note, std::move(what)};
}
inline Finding warning(std::string what) {
  return {Verdict::warning, std::move(what)};
}
inline Finding bad(std::string what) {
  return {Verdict::bad, std::move(what)};
}

// An object or a list in an answer; an empty one where there is none.
inline nlohmann::json part(const nlohmann::json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_object())
    return nlohmann::json::object();
  return object[key];
}
inline nlohmann::json list(const nlohmann::json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_array())
    return nlohmann::json::array();
  return object[key];
}
inline std::string word(const nlohmann::json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_string()) return "";
  return object[key].get<std::string>();
}
inline bool is_set(const nlohmann::json& object, const char* key, bool otherwise = false) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_boolean()) return otherwise;
  return object[key].get<bool>();
}
inline std::int64_t count(const nlohmann::json& object, const char* key, std::int64_t none = 0) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_number()) return none;
  return object[key].get<std::int64_t>();
}

// A broker by itself has no agent, no address that moves and no peer.
inline bool is_single(const Facts& f) {
  return is_set(f.broker, "single");
}
inline nlohmann::json agent_of(const Facts& f) {
  return part(f.agent, "agent");
}
inline nlohmann::json peer_of(const Facts& f) {
  return part(f.agent, "peer");
}
inline bool peer_is_fresh(const Facts& f) {
  return is_set(agent_of(f), "peer_fresh") && !peer_of(f).empty();
}
inline bool is_primary(const nlohmann::json& report) {
  return word(report, "role") == "primary" && is_set(report, "broker_alive", true);
}

}  // namespace tandemq::doctor
