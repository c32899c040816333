// tandemq-agent: judges which of the two nodes serves, and moves the address with it. Exit codes: 0
// stopped in good order, 2 configuration, 3 the environment refuses.
#include <event2/event.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "broker/base/exit_code.h"
#include "broker/support/file_mode.h"
#include "broker/support/log.h"
#include "broker/support/memory_lock.h"
#include "broker/support/pid_file.h"
#include "broker/support/service_notify.h"
#include "failover/core/table.h"
#include "failover/shell/agent.h"
#include "failover/shell/keepalived_conf.h"

namespace {

using namespace tandemq;
using namespace tandemq::failover;

constexpr unsigned kLastWordsMs = 500;

int fail(const Error& error) {
  std::string text = error.message;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::fprintf(stderr, "tandemq-agent: %s\n", text.c_str());
  return error.code;
}

int write_keepalived(const AgentConfig& config) {
  const Result<bool> written = write_keepalived_conf(config);
  if (!written) return fail(written.error());
  std::printf("%s: %s\n", config.keepalived_conf.c_str(), *written ? "written" : "unchanged");
  return 0;
}

void stop(int, short, void* base) {
  event_base_loopbreak(static_cast<event_base*>(base));
}

// For log rotation.
void reopen_log(int, short, void* config) {
  const auto& c = *static_cast<const AgentConfig*>(config);
  notify_reloading();
  if (Status opened = log_open(c.log_level, c.log_target); !opened) {
    log(LogLevel::error, "reload_failed", {{"reason", opened.error().message}});
  } else {
    log(LogLevel::notice, "reloaded",
        {{"text", "the log was opened anew; all else needs a restart"}});
  }
  notify_ready();
}

// Until it is told to stop.
int serve(event_base* base, const AgentConfig& config) {
  Result<std::unique_ptr<Agent>> agent = Agent::open(base, config);
  if (!agent) return fail(agent.error());
  if (Status written = write_pid_file(config.pid_file); !written) return fail(written.error());
  log(LogLevel::notice, "started",
      {{"node", config.node},
       {"peer", config.peer},
       {"authority", config.authority},
       {"version", TANDEMQ_VERSION},
       {"pid", getpid()}});
  notify_ready();
  event_base_dispatch(base);
  notify_stopping();
  log(LogLevel::notice, "stopped",
      {{"reason", "told to stop; broker and address stay as they are"}, {"exit_code", 0}});
  if (!config.pid_file.empty()) unlink(config.pid_file.c_str());
  return 0;
}

// `doubt` is told once there is a log.
int run(AgentConfig& config, const std::string& doubt) {
  keep_files_private();
  if (Status opened = log_open(config.log_level, config.log_target); !opened) {
    return fail(opened.error());
  }
  if (!doubt.empty()) log(LogLevel::warning, "configuration_doubt", {{"reason", doubt}});
  lock_memory();
  std::signal(SIGPIPE, SIG_IGN);
  event_base* base = event_base_new();
  event* on_term = evsignal_new(base, SIGTERM, &stop, base);
  event* on_int = evsignal_new(base, SIGINT, &stop, base);
  event* on_hup = evsignal_new(base, SIGHUP, &reopen_log, &config);
  for (event* one : {on_term, on_int, on_hup}) event_add(one, nullptr);
  const int code = serve(base, config);
  for (event* one : {on_term, on_int, on_hup}) event_free(one);
  event_base_free(base);
  // Without exit handlers: a webhook may be under way in a thread, with OpenSSL in its hands.
  log_drain(kLastWordsMs);
  std::_Exit(code);
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app{"Decides which node of the pair serves, and moves the virtual address with it."};
  std::string path = "/etc/tandemq/agent.toml";
  bool check = false, print_conf = false, write_conf = false, table = false;
  app.add_option("-c,--config", path, "configuration file")->capture_default_str();
  app.add_flag("--check", check, "read the configuration, say what is wrong with it, end");
  app.add_flag("--print-keepalived", print_conf, "print keepalived.conf for this configuration");
  app.add_flag("--write-keepalived", write_conf, "write it to vrrp.keepalived_conf");
  app.add_flag("--print-table", table, "print the failover machine as a table");
  app.set_version_flag("--version", "tandemq-agent " TANDEMQ_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitConfiguration;
  }
  if (table) return std::fputs(print_table().c_str(), stdout) < 0;

  const bool runs = !print_conf && !write_conf;
  Result<AgentConfig> config = load_config(path, runs);
  if (!config) return fail(config.error());
  if (print_conf) return std::fputs(keepalived_conf(*config).c_str(), stdout) < 0;
  if (write_conf) return write_keepalived(*config);
  const std::string doubt = doubt_about_mode("peer.secret_file", config->secret_file, "the agent");
  if (check) {
    if (!doubt.empty()) std::printf("%s: note: %s\n", path.c_str(), doubt.c_str());
    return std::printf("%s: the configuration is good\n", path.c_str()) < 0;
  }
  return run(*config, doubt);
} catch (const std::exception& error) {
  return fail({error.what(), 1});
}
