#include "replicator/shell/meta_file.h"

#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "broker/base/exit_code.h"
#include "broker/support/text_file.h"
#include "replicator/shell/durable_file.h"

namespace tandemq::repl {
namespace {

using nlohmann::json;

// Missing in the file of a version that agreed on nothing yet.
Features features_from(const json& j) {
  Features features;
  if (!j.is_object()) return features;
  features.frame = j.at("frame").get<std::uint8_t>();
  features.snapshot = j.at("snapshot").get<std::uint16_t>();
  for (const json& one : j.at("kinds")) {
    features.kinds.push_back({one.at(0).get<std::uint16_t>(), one.at(1).get<std::uint8_t>()});
  }
  return features;
}

json to_json(const Features& features) {
  json kinds = json::array();
  for (const KindVersion& one : features.kinds) {
    kinds.push_back(json::array({one.kind, one.version}));
  }
  return {{"frame", features.frame}, {"snapshot", features.snapshot}, {"kinds", kinds}};
}

Meta from_json(const json& j) {
  Meta meta;
  meta.pair_id = j.at("pair_id").get<std::string>();
  meta.node_index = j.at("node_index").get<unsigned>();
  meta.epoch_seen = j.at("epoch_seen").get<Epoch>();
  meta.role = j.at("role").get<std::string>() == "primary" ? Role::primary : Role::standby;
  meta.in_sync = j.at("in_sync").get<bool>();
  meta.peer_in_sync = j.at("peer_in_sync").get<bool>();
  meta.solo_from = j.at("solo_from").get<Lsn>();
  meta.needs_snapshot = j.at("needs_snapshot").get<bool>();
  meta.paired_at = j.at("paired_at").get<Lsn>();
  for (const json& reign : j.at("history")) {
    meta.history.push_back({reign.at("epoch").get<Epoch>(), reign.at("first").get<Lsn>()});
  }
  meta.agreed = features_from(j.value("agreed", json()));
  meta.software = j.value("software", "");
  return meta;
}

json to_json(const Meta& meta) {
  json history = json::array();
  for (const EpochStart& r : meta.history) {
    history.push_back({{"epoch", r.epoch}, {"first", r.first}});
  }
  return {{"pair_id", meta.pair_id},        {"node_index", meta.node_index},
          {"epoch_seen", meta.epoch_seen},  {"role", to_string(meta.role)},
          {"in_sync", meta.in_sync},        {"peer_in_sync", meta.peer_in_sync},
          {"solo_from", meta.solo_from},    {"needs_snapshot", meta.needs_snapshot},
          {"paired_at", meta.paired_at},    {"history", history},
          {"agreed", to_json(meta.agreed)}, {"software", meta.software}};
}

}  // namespace

Result<Meta> load_meta(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return Meta{};
  const Result<std::string> text = read_text_file(path);
  if (!text) return Error{"cannot read " + path + ": " + text.error().message, kExitEnvironment};
  try {
    return from_json(json::parse(*text));
  } catch (const json::exception& e) {
    return Error{
        path + " is damaged (" + e.what() + "): move it away, and the node comes back out of sync",
        kExitDamaged};
  }
}

Status save_meta(const std::string& path, const Meta& meta) {
  return write_file_durably(path, to_json(meta).dump(1) + "\n");
}

}  // namespace tandemq::repl
