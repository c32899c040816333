#include "failover/ctl/setup.h"

#include <openssl/rand.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <utility>

#include "failover/ctl/pki.h"
#include "failover/ctl/private_file.h"
#include "failover/shell/config.h"

namespace tandemq::failover {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSecretMin = 16;  // as the agent has it
constexpr const char* kLinkPort = "7883";
constexpr const char* kAgentPort = "7884";
constexpr mode_t kPrivate = 0600;

Words split(const std::string& line) {
  Words out;
  std::string word;
  for (const char c : line + ",") {
    if (c != ',' && c != ' ') {
      word += c;
    } else if (!word.empty()) {
      out.push_back(std::exchange(word, ""));
    }
  }
  return out;
}

// JSON's strings and lists are TOML's as well.
std::string line(const char* key, const json& value) {
  return std::string(key) + " = " + value.dump(-1, ' ', false, json::error_handler_t::replace) +
         "\n";
}

std::string with_port(const std::string& address, const char* port) {
  return (address.find(':') == std::string::npos ? address : "[" + address + "]") + ":" + port;
}

Words with_port(const Words& addresses) {
  Words out;
  for (const std::string& one : addresses) out.push_back(with_port(one, kAgentPort));
  return out;
}

std::optional<Error> what_is_missing(const SetupWish& wish) {
  std::string missing;
  const auto note = [&](bool is_missing, const char* flag) {
    if (is_missing) missing += (missing.empty() ? "" : ", ") + std::string(flag);
  };
  note(wish.pair.empty(), "--pair");
  note(wish.hosts[0].empty(), "--first");
  note(wish.hosts[1].empty(), "--second");
  note(wish.virtual_addresses.empty(), "--virtual");
  note(wish.interfaces.empty(), "--interface");
  if (!missing.empty()) return Error{"nothing was done: say " + missing + " as well", 1};
  if (wish.names.size() != 2) return Error{"--names are two: NAME,NAME", 1};
  if (wish.interfaces.size() > 2) return Error{"--interface is one for both hosts, or two", 1};
  if (wish.hosts[0].size() != wish.hosts[1].size())
    return Error{"--first and --second must have as many addresses, in the same order", 1};
  return std::nullopt;
}

std::string head(const SetupWish& wish, unsigned index, const char* what, const char* remedy) {
  std::string pair = json(wish.pair).dump(-1, ' ', false, json::error_handler_t::replace);
  return std::string("# The ") + what + " of node " + wish.names[index] + " of the pair " + pair +
         ", by tandemqctl setup. After a change:\n#   " + remedy +
         "    (the standby first)\n[node]\n" + line("name", wish.names[index]) +
         line("index", index + 1);
}

std::string broker_settings(const SetupWish& wish, unsigned index) {
  const auto link_of = [&](unsigned node) { return with_port(wish.hosts[node].back(), kLinkPort); };
  bool is_ipv6 = false;
  for (const std::string& one : wish.virtual_addresses) is_ipv6 |= one.find(':') != one.npos;
  return head(wish, index, "broker", "tandemqd --check && systemctl restart tandemqd") +
         "[[listener]]\n" + line("name", "mqtt") + line("address", is_ipv6 ? "::" : "0.0.0.0") +
         line("port", 1883) +
         (wish.allow_anonymous ? line("allow_anonymous", true)
                               : line("password_file", "/etc/tandemq/passwd")) +
         "[replication]\n" + line("mode", "pair") + line("pair_id", wish.pair) +
         line("peer", wish.names[1 - index]) + line("listen", link_of(index)) +
         line("peer_address", link_of(1 - index)) + line("certfile", "/etc/tandemq/link.pem") +
         line("cafile", "/etc/tandemq/link-ca.pem");
}

std::string agent_settings(const SetupWish& wish, unsigned index) {
  const Words &own = wish.hosts[index], &others = wish.hosts[1 - index];
  return head(wish, index, "agent", "tandemq-agent --check && systemctl restart tandemq-agent") +
         "[peer]\n" + line("name", wish.names[1 - index]) + line("listen", with_port(own)) +
         line("addresses", with_port(others)) + line("secret_file", "/etc/tandemq/pair.secret") +
         "[failover]\n" + line("authority", "timeout") + line("gateway", wish.gateway) +
         "# After a change here: tandemq-agent --write-keepalived && systemctl restart "
         "keepalived\n" +
         "[vrrp]\n" + line("interface", wish.interfaces[wish.interfaces.size() == 2 ? index : 0]) +
         line("addresses", wish.virtual_addresses) + line("unicast_source", own.front()) +
         line("unicast_peers", Words{others.front()});
}

// All that could be wrong, before anything is made.
Status check(const SetupWish& wish) {
  const auto as_json = json(wish.pair).dump(-1, ' ', false, json::error_handler_t::replace);
  if (json::parse(as_json) != wish.pair) return Error{"--pair is not UTF-8", 1};
  for (const unsigned index : {0u, 1u}) {
    const Result<std::vector<NodeFile>> files = settings_of(wish, index);
    if (!files) return files.error();
    if (Status name = check_node_name(wish.folder, wish.names[index]); !name) return name;
  }
  return Done{};
}

std::string folder_of(const SetupWish& wish, unsigned index) {
  return wish.folder + "/" + wish.names[index];
}

Status none_is_there(const SetupWish& wish) {
  Words all{wish.folder + "/authority.pem", wish.folder + "/ca.pem"};
  for (const unsigned index : {0u, 1u}) {
    all.push_back(folder_of(wish, index));
    all.push_back(folder_of(wish, index) + ".pem");
  }
  struct stat found {};
  for (const std::string& path : all) {
    if (::lstat(path.c_str(), &found) == 0)
      return Error{
          path + " is there already; with --force all is made anew, also secret and certificates",
          1};
  }
  return Done{};
}

Result<std::string> whole_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.empty()) return Error{path + " cannot be read, or is empty", 1};
  return text;
}

// The one that was given, or a new one.
Result<std::string> secret_of(const SetupWish& wish) {
  if (!wish.secret_file.empty()) {
    const Result<std::string> text = whole_text(wish.secret_file);
    if (!text || text->find('\n') >= kSecretMin) return text;
    return Error{"the first line of " + wish.secret_file + " must have at least 16 bytes", 1};
  }
  std::array<unsigned char, kSecretBytes> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    return Error{"there is no randomness for a secret", 1};
  std::string out;
  for (const unsigned char byte : bytes)
    for (const int digit : {byte >> 4, byte & 15}) out += "0123456789abcdef"[digit];
  return out + "\n";
}

Status write_node(const SetupWish& wish, unsigned index, const std::string& secret) {
  const std::string folder = folder_of(wish, index);
  Result<std::vector<NodeFile>> files = settings_of(wish, index);
  const Result<std::string> own = whole_text(folder + ".pem");
  const Result<std::string> authority = whole_text(wish.folder + "/ca.pem");
  if (!files) return files.error();
  if (!own) return own.error();
  if (!authority) return authority.error();
  files->push_back({"pair.secret", secret});
  files->push_back({"link.pem", *own});
  files->push_back({"link-ca.pem", *authority});
  Status done = private_folder(folder);
  for (const NodeFile& file : *files)
    if (done) done = write_whole(folder + "/" + file.name, file.text, kPrivate);
  return done;
}

std::string next_steps(const SetupWish& wish) {
  std::string out = wish.folder +
                    " holds what both nodes need. Keep it, for you alone: who has it can be a node "
                    "of this pair.\n";
  if (!wish.allow_anonymous)
    out += "Users: mosquitto_passwd -c " + folder_of(wish, 0) + "/passwd USER; cp " +
           folder_of(wish, 0) + "/passwd " + folder_of(wish, 1) + "\n";
  for (const unsigned index : {0u, 1u})
    out += "Copy " + folder_of(wish, index) + " to " + wish.hosts[index].front() + ".\n";
  return out +
         "On each of the two, in that folder, as root:\n"
         "  install -o root -g tandemq -m 640 tandemqd.toml link*.pem " +
         (wish.allow_anonymous ? "" : "passwd ") +
         "/etc/tandemq\n"
         "  install -o root -g tandemq-agent -m 640 agent.toml pair.secret /etc/tandemq\n"
         "  tandemqd --check && tandemq-agent --check && tandemq-agent --write-keepalived &&\n"
         "    systemctl restart tandemq-agent keepalived tandemqd\n"
         "Then: tandemqctl status; tandemqctl doctor\n";
}

}  // namespace

void ask_for_missing(SetupWish& wish, std::istream& in, std::ostream& out) {
  const auto ask = [&](Words& words, const char* question) {
    if (!words.empty()) return;
    std::string answer;
    out << question << ": " << std::flush;
    std::getline(in, answer);
    words = split(answer);
  };
  Words pair;
  if (wish.pair.empty()) ask(pair, "Name of the pair, such as plant-1");
  if (!pair.empty()) wish.pair = pair.front();
  ask(wish.hosts[0],
      "First host: its address for clients, and better one on a second network, such as "
      "10.99.0.11,10.98.0.11");
  ask(wish.hosts[1], "Second host, in the same order");
  ask(wish.virtual_addresses,
      "Address that clients shall use, nobody's so far, with its prefix, such as 10.99.0.100/24");
  ask(wish.interfaces,
      "Interface of that network, such as eth0; of each host where they differ: eth0,ens3");
}

Result<std::vector<NodeFile>> settings_of(const SetupWish& wish, unsigned index) {
  if (std::optional<Error> missing = what_is_missing(wish)) return *missing;
  const std::string agent = agent_settings(wish, index);
  const Result<AgentConfig> read = parse_config(agent, folder_of(wish, index) + "/agent.toml");
  if (!read) return Error{"nothing was written; it would be wrong:\n" + read.error().message, 1};
  return std::vector<NodeFile>{{"tandemqd.toml", broker_settings(wish, index)},
                               {"agent.toml", agent}};
}

Result<json> set_up(const SetupWish& wish) {
  if (Status good = check(wish); !good) return good.error();
  const Result<std::string> secret = secret_of(wish);
  if (!secret) return secret.error();
  Status free = private_folder(wish.folder);
  if (free && !wish.force) free = none_is_there(wish);
  if (!free) return free.error();
  PkiWish pki{wish.folder, wish.pair, "", 0, wish.force};
  if (const Result<json> made = pki_init(pki); !made) return made.error();
  for (const unsigned index : {0u, 1u}) {
    pki.node = wish.names[index];
    if (const Result<json> made = pki_issue(pki); !made) return made.error();
    if (Status written = write_node(wish, index, *secret); !written) return written.error();
  }
  return json{{"folder", wish.folder}, {"nodes", wish.names}, {"text", next_steps(wish)}};
}

}  // namespace tandemq::failover
