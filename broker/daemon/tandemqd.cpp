// tandemqd: the broker. Exit codes: 0 stopped in good order, 2 configuration, 3 the environment
// refuses, 4 damaged data.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "broker/base/exit_code.h"
#include "broker/shell/authenticator.h"
#include "broker/shell/config.h"
#include "broker/shell/node.h"
#include "broker/support/log.h"

namespace {

int fail(const tandemq::Error& error) {
  std::fprintf(stderr, "tandemqd: %s\n", error.message.c_str());
  return error.code;
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
  if (check) {
    const tandemq::Status files = Authenticator(*config).reload();
    if (!files) return fail(files.error());
    std::printf("%s: the configuration is good\n", file.c_str());
    return 0;
  }
  tandemq::Status logging = log_open(config->log_level, config->log_target);
  if (!logging) return fail(logging.error());
  const bool log_is_seen = config->log_target == "stderr";
  Node node(std::move(config).value());
  tandemq::Status started = node.start();
  if (!started) {
    log(LogLevel::error, "start_failed", {{"reason", started.error().message}});
    return log_is_seen ? started.error().code : fail(started.error());
  }
  return node.run();
}
