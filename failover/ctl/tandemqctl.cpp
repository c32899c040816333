// tandemqctl: the operator's tool. It asks the agent of this node, and for `status` the broker too,
// so that it says something useful when only one of them answers.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "failover/ctl/account_commands.h"
#include "failover/ctl/acl_command.h"
#include "failover/ctl/gather.h"
#include "failover/ctl/line_client.h"
#include "failover/ctl/passwd_command.h"
#include "failover/ctl/pki.h"
#include "failover/ctl/render.h"
#include "failover/ctl/setup.h"
#include "failover/ctl/step_aside.h"
#include "failover/doctor/check.h"

namespace {

using namespace tandemq;
using namespace tandemq::failover;
using nlohmann::json;

struct Options {
  std::string agent_socket = "/run/tandemq/agent.sock";
  std::string broker_socket = "/run/tandemq/broker.sock";
  int timeout_ms = 0;  // 0: as long as the command needs
  bool as_json = false;
  bool force = false;
  bool yes = false;
  bool wait = false;
  bool list = false;
  unsigned limit = 20;
  std::string agent_file = "/etc/tandemq/agent.toml";
  std::string broker_file = "/etc/tandemq/tandemqd.toml";
  std::vector<std::string> checks;  // empty: all
  PkiWish pki;
  SetupWish setup;
};

constexpr int kQuestionMs = 2000;
constexpr int kOrderMs = 15000;  // a switchover drains, hands over, and may fail after 5 s
constexpr int kCheckpointMs = 120000;
constexpr int kUsage = 64;       // EX_USAGE: none of status's codes
constexpr int kWaitTries = 300;  // of 100 ms

int timeout_of(const Options& options, int otherwise) {
  return options.timeout_ms != 0 ? options.timeout_ms : otherwise;
}

int fail(const Options& options, const Error& error) {
  if (options.as_json)
    std::printf(
        "%s\n",
        json{{"ok", false}, {"error", error.message}, {"exit_code", error.code}}.dump(2).c_str());
  std::fprintf(stderr, "tandemqctl: %s\n", error.message.c_str());
  return error.code;
}

int status(const Options& options) {
  const Result<json> agent =
      ask(options.agent_socket, {{"cmd", "status"}}, timeout_of(options, kQuestionMs));
  const Result<json> own =
      ask(options.broker_socket, {{"cmd", "status"}}, timeout_of(options, kQuestionMs));
  const json report = agent ? *agent : json();
  const json broker = own ? own->value("status", json()) : json();
  const Health health = judge(report, broker);
  if (health == Health::unreachable && !options.as_json) {
    fail(options, own.error());
    return fail(options, agent.error());
  }
  if (options.as_json) {
    json all = report.is_object() ? report : json{{"agent", nullptr}, {"peer", nullptr}};
    all.erase("id");
    all["ok"] = health != Health::unreachable;
    if (!agent) all["error"] = agent.error().message;
    all["broker"] = broker;
    all["exit_code"] = static_cast<int>(health);
    std::printf("%s\n", all.dump(2).c_str());
  } else {
    std::fputs(render_status(report, broker).c_str(), stdout);
  }
  return static_cast<int>(health);
}

int history(const Options& options) {
  const Result<json> answer =
      ask(options.agent_socket, {{"cmd", "history"}, {"limit", options.limit}},
          timeout_of(options, kQuestionMs));
  if (!answer) return fail(options, answer.error());
  const json changes = answer->value("changes", json::array());
  std::fputs(options.as_json ? (changes.dump(2) + "\n").c_str() : render_history(changes).c_str(),
             stdout);
  return 0;
}

// An order to the agent (or, checkpoint, to the broker) that is answered when it is carried out.
int order(const Options& options, const std::string& socket_path, const json& request,
          int timeout_ms = kOrderMs) {
  const Result<json> answer = ask(socket_path, request, timeout_of(options, timeout_ms));
  if (!answer) return fail(options, answer.error());
  if (options.as_json) {
    json shown = *answer;
    shown.erase("id");
    std::printf("%s\n", shown.dump(2).c_str());
  } else {
    const std::string result = answer->value("result", "");
    std::printf("%s: done%s%s\n", request["cmd"].get<std::string>().c_str(),
                result.empty() ? "" : ", ", result.c_str());
  }
  return 0;
}

// By force only after a yes: typed, or given with the command where nobody can be asked.
int make_primary(const Options& options) {
  if (options.force && !options.yes) {
    const Result<json> agent =
        ask(options.agent_socket, {{"cmd", "status"}}, timeout_of(options, kQuestionMs));
    if (!agent) return fail(options, agent.error());
    std::fputs(render_force(*agent).c_str(), stderr);
    if (isatty(STDIN_FILENO) == 0) {
      return fail(options, Error{"nothing was done: give --yes with --force where nobody can be "
                                 "asked",
                                 kUsage});
    }
    std::fputs("Type yes to go on: ", stderr);
    std::string line;
    std::getline(std::cin, line);
    if (line != "yes") return fail(options, Error{"nothing was done", 1});
  }
  return order(options, options.agent_socket, {{"cmd", "promote"}, {"force", options.force}});
}

// After a switchover: until the pair is whole again.
int wait_whole(const Options& options) {
  for (int i = 0; i < kWaitTries; ++i) {
    const Result<json> agent = ask(options.agent_socket, {{"cmd", "status"}}, kQuestionMs);
    const json broker = agent ? agent->value("broker", json()) : json();
    if (agent && judge(*agent, broker) == Health::good) return 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return fail(options, Error{"the pair is not whole after 30 s; see tandemqctl status", 1});
}

int say_done(const Options& options, const std::string& command, const std::string& result) {
  if (options.as_json) {
    std::printf("%s\n", json{{"ok", true}, {"result", result}}.dump(2).c_str());
  } else {
    std::printf("%s: done, %s\n", command.c_str(), result.c_str());
  }
  return 0;
}

// Before this host or its broker is restarted.
int step_aside(const Options& options) {
  const Result<json> answer =
      ask(options.broker_socket, {{"cmd", "status"}}, timeout_of(options, kQuestionMs));
  if (!answer) return fail(options, answer.error());
  const AsideVerdict verdict = judge_step_aside(answer->value("status", json::object()));
  if (verdict.what == Aside::must_stay) return fail(options, Error{verdict.why, kRefused});
  if (verdict.what == Aside::hands_over) {
    const Result<json> done =
        ask(options.agent_socket, {{"cmd", "switchover"}}, timeout_of(options, kOrderMs));
    if (!done) return fail(options, done.error());
    if (const int code = wait_whole(options); code != 0) return code;
  }
  return say_done(options, "step-aside", verdict.why);
}

// Exit code 0 nothing worse than a note, 1 a warning, 2 something bad, 3 neither daemon answers.
int examine(const Options& options) {
  std::vector<doctor::Check> checks;
  for (const doctor::Check& one : doctor::all_checks()) {
    const auto& names = options.checks;
    if (names.empty() || std::find(names.begin(), names.end(), one.name) != names.end())
      checks.push_back(one);
  }
  if (checks.size() < options.checks.size())
    return fail(options, Error{"no such check; doctor --list names them", kUsage});
  if (options.list) return std::fputs(doctor::to_list(checks).c_str(), stdout) < 0;
  const doctor::Facts facts = gather(
      {options.agent_socket, options.broker_socket, options.agent_file, options.broker_file});
  const auto results = doctor::examine(facts, checks);
  const bool silent = facts.agent.is_null() && facts.broker.is_null();
  const int code = silent && options.checks.empty() ? kUnreachable : doctor::exit_code(results);
  const std::string text =
      options.as_json
          ? doctor::to_json(results, code).dump(2, ' ', false, json::error_handler_t::replace) +
                "\n"
          : doctor::to_text(results);
  std::fputs(text.c_str(), stdout);
  return code;
}

// What is done with an authority's folder, once it is done.
int say_made(const Options& options, const Result<json>& made) {
  if (!made) return fail(options, made.error());
  json shown = *made;
  const std::string text = shown["text"];
  shown.erase("text");
  shown["ok"] = true;
  std::fputs(options.as_json ? (shown.dump(2) + "\n").c_str() : text.c_str(), stdout);
  return 0;
}

// The commands of `pki`; each runs where it is parsed.
struct PkiCommands {
  PkiCommands(CLI::App& app, Options& options)
      : all(app.add_subcommand("pki", "certificates for the link between the two brokers")) {
    PkiWish& wish = options.pki;
    all->require_subcommand(1);
    init = all->add_subcommand("init", "make an authority for one pair, in a folder of its own");
    init->add_option("--pair", wish.pair, "replication.pair_id")->required();
    issue = all->add_subcommand("issue", "issue or renew the certificate of a node, with its key");
    issue->add_option("--node", wish.node, "node.name")->required();
    show = all->add_subcommand("show", "what is in the folder, and how long it is good");
    for (CLI::App* one : {init, issue, show}) {
      one->add_option("folder", wish.folder, "where authority and certificates lie")->required();
      one->fallthrough();
      if (one == show) continue;
      one->add_option("--days", wish.days,
                      one == init ? "how long it is good, 3650 by default"
                                  : "how long it is good, 825 by default")
          ->check(CLI::Range(1, 36500));
      one->add_flag("--force", wish.force, "replace what is there");
    }
  }
  int run(const Options& options) const {
    if (init->parsed()) return say_made(options, pki_init(options.pki));
    if (issue->parsed()) return say_made(options, pki_issue(options.pki));
    return say_made(options, pki_show(options.pki));
  }
  CLI::App* all;
  CLI::App *init = nullptr, *issue = nullptr, *show = nullptr;
};

struct SetupCommand {
  SetupCommand(CLI::App& app, SetupWish& wish)
      : one(app.add_subcommand(
            "setup", "write all files of a pair, for both nodes; asks for what is not given")) {
    const auto words = [this](const char* flag, std::vector<std::string>& into, const char* what) {
      one->add_option(flag, into, what)->delimiter(',')->allow_extra_args(false);
    };
    one->add_option("--pair", wish.pair, "its name, replication.pair_id");
    words("--first", wish.hosts[0],
          "address of the first host for clients[,and on a second network]");
    words("--second", wish.hosts[1], "the same of the second host, in the same order");
    words("--virtual", wish.virtual_addresses,
          "address for clients that moves, with its prefix[,more of them]");
    words("--interface", wish.interfaces, "of the clients' network[,that of the second host]");
    words("--names", wish.names, "of the nodes, a,b by default");
    one->add_option("--gateway", wish.gateway, "failover.gateway");
    one->add_option("--secret-file", wish.secret_file, "the pair's secret; one is made by default");
    one->add_flag("--allow-anonymous", wish.allow_anonymous, "clients need no password");
    one->add_flag("--force", wish.force, "replace what is there");
    one->add_option("folder", wish.folder, "where all of it is written")->required();
    one->fallthrough();
  }
  CLI::App* one;
};

int set_up_pair(Options& options) {
  if (isatty(STDIN_FILENO) != 0) ask_for_missing(options.setup, std::cin, std::cerr);
  return say_made(options, set_up(options.setup));
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  CLI::App app{"shows and steers a TandeMQ pair"};
  app.require_subcommand(0, 1);  // checked below: CLI11 would hide an unknown option behind it
  app.set_version_flag("--version", "tandemqctl " TANDEMQ_VERSION);
  app.add_option("--socket", options.agent_socket, "the agent's control socket")
      ->capture_default_str();
  app.add_option("--broker-socket", options.broker_socket, "the broker's control socket")
      ->capture_default_str();
  app.add_option("--timeout", options.timeout_ms, "milliseconds to wait for an answer")
      ->check(CLI::Range(1, 600000));
  app.add_flag("--json", options.as_json, "JSON instead of text");
  app.fallthrough();
  auto* show = app.add_subcommand(
      "status",
      "both nodes on one screen; exit code 0 good, 1 degraded, 2 no primary, 3 no answer");
  auto* past = app.add_subcommand("history", "past changes of role");
  past->add_option("--limit", options.limit, "how many at most")->capture_default_str();
  auto* promote = app.add_subcommand("promote", "make this node primary");
  promote->add_flag("--force", options.force,
                    "even out of sync: acknowledged messages may be lost. Says what, and asks");
  promote->add_flag("--yes", options.yes, "with --force: do not ask");
  auto* solo = app.add_subcommand("solo", "let this primary go on without its standby");
  auto* switchover = app.add_subcommand("switchover", "hand over to the peer, as planned");
  switchover->add_flag("--wait", options.wait, "until the pair is whole again");
  auto* reload = app.add_subcommand(
      "reload", "let the broker read passwords, rules and certificates again, as SIGHUP does");
  auto* aside =
      app.add_subcommand("step-aside", "hand over if need be, so that this host can be restarted");
  auto* checkpoint = app.add_subcommand("checkpoint", "write a checkpoint of the broker now");
  auto* look = app.add_subcommand(
      "doctor", "look at this node for what is wrong; exit code 0 nothing, 1 a warning, 2 bad");
  look->add_option("checks", options.checks, "these alone, by name");
  look->add_flag("--list", options.list, "name the checks and what each asks, and do nothing");
  look->add_option("--agent-config", options.agent_file, "the agent's settings")
      ->capture_default_str();
  look->add_option("--broker-config", options.broker_file, "the broker's settings")
      ->capture_default_str();
  const PkiCommands pki(app, options);
  const SetupCommand setup(app, options.setup);
  const AccountAsking asking{options.broker_socket, options.timeout_ms, options.as_json};
  AccountCommands accounts(app, asking);
  AclCommand rules(app, asking);
  const PasswdCommand passwd(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (show->parsed()) return status(options);
  if (past->parsed()) return history(options);
  if (aside->parsed()) return step_aside(options);
  if (look->parsed()) return examine(options);
  if (pki.all->parsed()) return pki.run(options);
  if (setup.one->parsed()) return set_up_pair(options);
  if (passwd.parsed()) {
    const Result<std::string> done = passwd.run();
    return done ? say_done(options, "passwd", *done) : fail(options, done.error());
  }
  if (accounts.parsed() || rules.parsed()) {
    const Result<int> code = accounts.parsed() ? accounts.run() : rules.run();
    return code ? *code : fail(options, code.error());
  }
  if (promote->parsed()) return make_primary(options);
  if (solo->parsed()) return order(options, options.agent_socket, {{"cmd", "solo"}});
  if (reload->parsed()) return order(options, options.broker_socket, {{"cmd", "reload"}});
  if (checkpoint->parsed())
    return order(options, options.broker_socket, {{"cmd", "checkpoint"}}, kCheckpointMs);
  if (switchover->parsed()) {
    const int code = order(options, options.agent_socket, {{"cmd", "switchover"}});
    return code == 0 && options.wait ? wait_whole(options) : code;
  }
  std::fprintf(stderr, "tandemqctl: name a command; run with --help for the list\n");
  return kUsage;
} catch (const std::exception& error) {  // such as an answer of another version, of other types
  std::fprintf(stderr, "tandemqctl: the answer cannot be read: %s\n", error.what());
  return tandemq::failover::kUnreachable;
}
