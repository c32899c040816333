#include "failover/ctl/gather.h"

#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include "failover/ctl/line_client.h"
#include "failover/ctl/run_program.h"
#include "failover/shell/config.h"
#include "failover/shell/keepalived_conf.h"

namespace tandemq::failover {
namespace {

using nlohmann::json;

constexpr int kQuestionMs = 2000;

void ask_daemons(doctor::Facts& f, const Places& places) {
  Result<json> agent = ask(places.agent_socket, {{"cmd", "status"}}, kQuestionMs);
  if (agent) {
    f.agent = std::move(*agent);
    const Result<json> history =
        ask(places.agent_socket, {{"cmd", "history"}, {"limit", 50}}, kQuestionMs);
    if (history) f.changes = history->value("changes", json());
  } else {
    f.agent_silent = agent.error().message;
  }
  const Result<json> broker = ask(places.broker_socket, {{"cmd", "status"}}, kQuestionMs);
  if (broker) {
    f.broker = broker->value("status", json());
  } else {
    f.broker_silent = broker.error().message;
  }
}

std::optional<doctor::File> look_at(const std::string& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) return std::nullopt;
  return doctor::File{path, found.st_mode & 07777u, found.st_uid == 0, found.st_mtime};
}

void look_at_files(doctor::Facts& f, const AgentConfig* config) {
  f.agent_settings = look_at(f.agent_file);
  f.broker_settings = look_at(f.broker_file);
  if (config) {
    f.keepalived_settings = look_at(config->keepalived_conf);
    f.secret = look_at(config->secret_file);
  }
  for (const auto& file : {f.agent_settings, f.broker_settings, f.keepalived_settings, f.secret})
    if (file) f.files.push_back(*file);
}

void read_settings(doctor::Facts& f) {
  if (access(f.agent_file.c_str(), F_OK) != 0) return look_at_files(f, nullptr);
  const Result<AgentConfig> config = load_config(f.agent_file, false);
  f.settings_wrong = config ? "" : config.error().message;
  if (!config) return look_at_files(f, nullptr);
  const Result<AgentConfig> with_secret = load_config(f.agent_file, true);
  if (!with_secret) f.settings_wrong = with_secret.error().message;
  const AgentConfig& c = *config;
  f.settings = doctor::Settings{
      c.authority, c.gateway, c.interface,      c.unicast_source,
      c.addresses, c.listen,  c.peer_addresses, with_secret ? with_secret->secret.size() : 0};
  f.keepalived_differs = keepalived_conf_differs(c);
  look_at_files(f, &c);
}

// What systemd does at boot, of an installed system alone: a pair of another place has no units.
void ask_systemd(doctor::Facts& f) {
  if (access("/run/systemd/system", F_OK) != 0 || !f.broker_file.starts_with("/etc/")) return;
  json units = json::object();
  for (const char* unit : {"tandemqd", "tandemq-agent", "keepalived", "mosquitto"}) {
    const auto answer = run_program({"systemctl", "is-enabled", unit});
    if (answer) units[unit] = answer->text;
  }
  f.units = units;
}

}  // namespace

doctor::Facts gather(const Places& places) {
  doctor::Facts f;
  f.agent_file = places.agent_file;
  f.broker_file = places.broker_file;
  f.now_s = std::time(nullptr);
  ask_daemons(f, places);
  read_settings(f);
  f.broker_check = run_program({"tandemqd", "-c", places.broker_file, "--check"});
  ask_systemd(f);
  gather_processes(f);
  gather_host(f);
  gather_network(f);
  return f;
}

}  // namespace tandemq::failover
