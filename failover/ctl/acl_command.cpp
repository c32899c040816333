#include "failover/ctl/acl_command.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "failover/ctl/line_client.h"

namespace tandemq::failover {
namespace {

using broker::AclAction;
using nlohmann::json;

constexpr int kQuestionMs = 2000;

AclAction action_of(const std::string& name) {
  if (name == "publish") return AclAction::publish;
  return name == "receive" ? AclAction::receive : AclAction::subscribe;
}

void print(const AclFinding& one) {
  const char* const verdict = one.allowed ? "allowed" : "DENIED";
  if (one.rule.empty()) {
    std::printf("%s: %s, %s\n", one.listener.c_str(), verdict, one.source.c_str());
  } else {
    std::printf("%s: %s by %s: %s\n", one.listener.c_str(), verdict, one.source.c_str(),
                one.rule.c_str());
  }
}

}  // namespace

AclCommand::AclCommand(CLI::App& app, AccountAsking asking)
    : asking_(asking), all_(app.add_subcommand("acl", "what clients may do, and by which rule")) {
  wish_.config_file = "/etc/tandemq/tandemqd.toml";
  all_->require_subcommand(1);
  CLI::App* const check = all_->add_subcommand(
      "check", "whether a client may do it, by the files as they are; exit code 0 yes, 1 no");
  check->fallthrough();
  check->add_option("action", action_, "publish, receive or subscribe")
      ->required()
      ->check(CLI::IsMember({"publish", "receive", "subscribe"}));
  check->add_option("topic", wish_.question.topic, "a topic; of subscribe a filter")->required();
  check->add_option("--user", wish_.question.username, "who; without it an anonymous client");
  check->add_option("--client", wish_.question.client_id, "its client identifier, for %c");
  check->add_option("--listener", wish_.listener, "at this one; without it at each");
  check->add_option("--broker-config", wish_.config_file, "the broker's settings")
      ->capture_default_str();
}

// Who of the users of `tandemqctl user` it is, only the broker knows.
Result<KeptUser> AclCommand::ask_for(const std::string& user) const {
  const int timeout_ms = asking_.timeout_ms != 0 ? asking_.timeout_ms : kQuestionMs;
  const auto one_of = [&](const char* kind, const std::string& name) {
    return ask(asking_.broker_socket, {{"cmd", "accounts"}, {"kind", kind}, {"name", name}},
               timeout_ms);
  };
  const Result<json> found = one_of("user", user);
  KeptUser kept;
  if (!found && found.error().code == kRefused) return kept;
  if (!found) return found.error();
  const json account = found->at("accounts").at(0);
  kept.exists = true;
  kept.enabled = account.value("enabled", false);
  for (const std::string& role : account.value("roles", std::vector<std::string>())) {
    const Result<json> whole = one_of("role", role);
    if (!whole) return whole.error();
    for (const json& rule : whole->at("accounts").at(0).at("rules"))
      kept.rules.push_back({role, rule.get<std::string>()});
  }
  return kept;
}

Result<int> AclCommand::run() {
  wish_.question.action = action_of(action_);
  const Result<std::vector<AclFinding>> found =
      check_acl(wish_, [this](const std::string& user) { return ask_for(user); });
  if (!found) return found.error();
  bool allowed = true;
  json listeners = json::array();
  for (const AclFinding& one : *found) {
    allowed = allowed && one.allowed;
    listeners.push_back({{"listener", one.listener},
                         {"allowed", one.allowed},
                         {"rule", one.rule},
                         {"source", one.source}});
    if (!asking_.as_json) print(one);
  }
  if (asking_.as_json) {
    const json answer{{"ok", true}, {"allowed", allowed}, {"listeners", listeners}};
    std::printf("%s\n", answer.dump(2, ' ', false, json::error_handler_t::replace).c_str());
  }
  return allowed ? 0 : 1;
}

}  // namespace tandemq::failover
