// `tandemqctl setup`: all files of a pair, for both nodes, in one folder that is pki's as well.
#pragma once

#include <iosfwd>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "broker/base/result.h"

namespace tandemq::failover {

struct SetupWish {
  std::string folder;
  std::string pair;                          // replication.pair_id
  std::vector<std::string> names{"a", "b"};  // node.name of each host
  std::vector<std::string>
      hosts[2];  // of each: its address for clients, and one on a second network
  std::vector<std::string> virtual_addresses;  // with prefix
  std::vector<std::string>
      interfaces;           // of the clients' network; one for both hosts, or one for each
  std::string gateway;      // failover.gateway; may be empty
  std::string secret_file;  // its first line is the pair's; empty: one is made
  bool allow_anonymous = false;
  bool force = false;  // over what is there
};

// Asks for what is missing, a line each. An empty answer, or none, leaves it missing.
void ask_for_missing(SetupWish& wish, std::istream& in, std::ostream& out);

struct NodeFile {
  std::string name;  // in the folder of its node
  std::string text;
};

// tandemqd.toml and agent.toml of node `index`, 0 or 1. Error, code 1: what is missing or wrong.
Result<std::vector<NodeFile>> settings_of(const SetupWish& wish, unsigned index);

// Writes authority, certificates, and a folder for each node. What is to be done with them stands
// as lines in "text". Error, code 1: what of it was there or was refused; nothing was replaced.
Result<nlohmann::json> set_up(const SetupWish& wish);

}  // namespace tandemq::failover
