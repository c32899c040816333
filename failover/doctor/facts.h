// What was found on this host, for `tandemqctl doctor` to judge: plain values. What could not be
// looked at is empty (std::nullopt, null).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace tandemq::doctor {

// A daemon that runs here. Times are seconds since 1970 of this host's clock.
struct Process {
  int pid = 0;
  std::int64_t started_s = 0;
  bool replaced = false;  // its program on the disk is another one by now
  std::uint64_t files_open = 0, files_most = 0;
  std::uint64_t swapped_kib = 0;
};

struct File {
  std::string path;
  unsigned mode = 0;  // permission bits
  bool of_root = false;
  std::int64_t changed_s = 0;
};

// What a program said that was run to ask it something.
struct Answer {
  int exit_code = 0;
  std::string text;
};

// Of agent.toml, once it can be read.
struct Settings {
  std::string authority, gateway, interface, unicast_source;
  std::vector<std::string> virtual_addresses;       // with prefix
  std::vector<std::string> listen, peer_addresses;  // with port, in the same order
  std::size_t secret_bytes = 0;
};

struct Disk {
  std::string folder;
  std::string file_system;  // empty: an ordinary one
  std::uint64_t size = 0, free = 0, files = 0, files_free = 0;
  std::optional<double> sync_ms;  // of a small write, median of several
};

struct Interface {
  bool is_there = false, up = false, carrier = false;
  unsigned mtu = 0;
};

struct Facts {
  nlohmann::json agent, broker;  // their answers to status; null: none
  std::string agent_silent, broker_silent;
  nlohmann::json changes;  // the agent's history, null: none

  std::string agent_file, broker_file;
  std::optional<std::string> settings_wrong;  // what is wrong with agent.toml, empty: nothing
  std::optional<Answer> broker_check;         // tandemqd --check
  std::optional<Settings> settings;
  std::optional<bool> keepalived_differs;  // keepalived.conf from what agent.toml wants
  std::vector<File> files;                 // settings and secrets
  std::optional<File> agent_settings, broker_settings, keepalived_settings, secret;
  std::optional<Process> agent_process, broker_process, keepalived_process;
  std::optional<nlohmann::json> units;  // name: enabled, disabled, ...

  std::vector<std::string> own_addresses;  // without prefix
  std::optional<Interface> interface;      // of the virtual address
  std::vector<std::string> address_macs;   // of other hosts that say the virtual address is theirs
  bool address_asked = false;
  std::optional<bool> address_connects;   // to one of the broker's ports
  std::vector<std::string> same_network;  // virtual addresses in a network of the interface
  std::vector<std::string> devices;       // by which the peer's addresses are reached
  // By the peer's address: whether a packet of the full size arrives; false only if a small one
  // does.
  std::vector<std::pair<std::string, bool>> large_packets;
  std::optional<nlohmann::json> packet_filter;  // nft's list in JSON
  std::optional<bool> host_name_known;

  std::optional<bool> clock_synchronized;
  std::optional<Disk> disk;
  std::size_t quarantined = 0;  // files
  std::uint64_t memory_kib = 0, memory_free_kib = 0;
  std::int64_t now_s = 0;
};

}  // namespace tandemq::doctor
