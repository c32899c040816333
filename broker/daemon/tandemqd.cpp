// tandemqd: the broker. Exit codes: 0 stopped in good order, 2 configuration, 3 the environment
// refuses, 4 damaged data.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "broker/access/access.h"
#include "broker/base/exit_code.h"
#include "broker/config/config.h"
#include "broker/shell/expiry.h"
#include "broker/shell/node.h"
#include "broker/shell/secret_files.h"
#include "broker/support/file_mode.h"
#include "broker/support/log.h"
#include "broker/support/memory_lock.h"

namespace {

int fail(const tandemq::Error& error) {
  std::fprintf(stderr, "tandemqd: %s\n", error.message.c_str());
  return error.code;
}

// The files that the configuration names; what is good by the letter may still not be meant.
int check_files(const tandemq::broker::Config& config, const std::string& file) {
  tandemq::broker::Access access(nullptr, config.listeners);
  tandemq::Status files = access.reload();
  if (files) files = tandemq::broker::hide_names(config, access);
  if (!files) return fail(files.error());
  const tandemq::Result<std::vector<std::string>> certificates =
      tandemq::broker::check_certificates(config);
  if (!certificates) return fail(certificates.error());
  for (const auto& doubts :
       {access.doubts(), *certificates, tandemq::broker::doubts_about_modes(config)}) {
    for (const std::string& doubt : doubts) {
      std::printf("%s: note: %s\n", file.c_str(), doubt.c_str());
    }
  }
  for (const tandemq::broker::ListenerSection& one : config.listeners) {
    if (!one.is_shut()) continue;
    std::printf("%s: note: no client can log in at listener %s (%s): %s\n", file.c_str(),
                one.name.c_str(), one.where().c_str(), one.line_to_open().c_str());
  }
  std::printf("%s: the configuration is good\n", file.c_str());
  return 0;
}

}  // namespace

// An exception is a bug: it ends the process where it was thrown, and nothing more is written.
int main(int argc, char** argv) {  // NOLINT(bugprone-exception-escape)
  using namespace tandemq;
  using namespace tandemq::broker;
  CLI::App app{"TandeMQ: an MQTT broker that runs as an active/standby pair"};
  std::string file = "/etc/tandemq/tandemqd.toml";
  bool check = false;
  app.add_option("-c,--config", file, "configuration file")->capture_default_str();
  app.add_flag("--check", check, "check the configuration and exit");
  app.set_version_flag("--version", "tandemqd " TANDEMQ_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitConfiguration;
  }
  tandemq::Result<Config> config = load_config(file);
  if (!config) return fail(config.error());
  if (check) return check_files(*config, file);
  keep_files_private();
  tandemq::Status logging = log_open(config->log.level, config->log.target);
  if (!logging) return fail(logging.error());
  lock_memory();
  const bool log_is_seen = config->log.target == "stderr";
  Node node(std::move(config).value());
  tandemq::Status started = node.start();
  if (!started) {
    log(LogLevel::error, "start_failed", {{"reason", started.error().message}});
    return log_is_seen ? started.error().code : fail(started.error());
  }
  return node.run();
}
