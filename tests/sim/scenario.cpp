#include "tests/sim/scenario.h"

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <vector>

#include "tests/sim/world.h"

namespace tandemq::sim {
namespace {

constexpr TimeUs kSettle = 20 * kSecond;

// What a person wants to compare: neither times nor record numbers, which change with every format.
std::string without_numbers(std::string line) {
  for (const char* name : {" last=", " committed="}) {
    const std::size_t at = line.find(name);
    if (at == std::string::npos) continue;
    const std::size_t end = line.find_first_of(" :", at + 1);
    line.erase(at, end - at);
  }
  std::string out;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const bool digit = std::isdigit(static_cast<unsigned char>(line[at])) != 0;
    const bool epoch = out.ends_with("epoch=") || out.ends_with("epoch ");
    if (!digit || epoch) {
      out += line[at];
    } else if (!out.ends_with('#')) {
      out += '#';
    }
  }
  return out;
}

class Scenario {
 public:
  explicit Scenario(bool print) : print_(print) { config_.steady = true; }

  // Empty, or what is wrong with the line or with what it expects.
  std::string line(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    if (words.empty() || words[0][0] == '#') return "";
    out("> " + text);
    const auto found = kCommands.find(words[0]);
    if (found == kCommands.end()) return "there is no command " + words[0];
    words.resize(std::max<std::size_t>(words.size(), 5));
    const std::string wrong = (this->*found->second)(words);
    if (!wrong.empty()) return wrong;
    return world_ ? world_->place.checker.violation() : "";
  }
  const std::string& output() const { return output_; }

 private:
  using Words = std::vector<std::string>;
  using Command = std::string (Scenario::*)(const Words&);
  static const std::map<std::string, Command> kCommands;

  void out(const std::string& text) {
    output_ += text + "\n";
    if (print_) std::printf("%s\n", text.c_str());
  }
  World& world() {
    if (world_) return *world_;
    world_ = std::make_unique<World>(config_);
    world_->place.trace.tee = [this](const std::string& text) {
      out("    " + without_numbers(text));
    };
    return *world_;
  }
  static bool is_node(const std::string& word) { return word == "a" || word == "b"; }
  static unsigned side(const std::string& word) { return word == "b" ? 1 : 0; }
  static std::uint64_t number(const std::string& word) {
    return word.empty() ? 0 : std::strtoull(word.c_str(), nullptr, 10);
  }
  std::string told(const std::string& refusal) {
    refusal_ = refusal;
    if (!refusal.empty()) out("    refused: " + refusal);
    return "";
  }

  std::string config(const Words& w);
  std::string run(const Words& w) { return world().run(number(w[1]) * kMs), ""; }
  std::string settle(const Words&);
  std::string agents(const Words& w) {
    if (w[1] != "off") return "agents off";
    return world().agents_off(), "";
  }
  std::string publish(const Words& w);
  std::string crash(const Words& w) {
    if (w[1] == "agent") return world().agents[side(w[2])]->kill(), "";
    return world().kill(side(w[1])), "";
  }
  std::string power(const Words& w) {
    return world().lose_power(side(w[1]), static_cast<unsigned>(number(w[2]))), "";
  }
  std::string restart(const Words& w) {
    if (w[1] == "broker") return world().nodes[side(w[2])]->start(), "";
    return world().restart(side(w[1])), "";
  }
  std::string freeze(const Words& w) { return world().freeze(side(w[1]), true), ""; }
  std::string pause(const Words& w) { return world().pause(side(w[1])), ""; }
  std::string thaw(const Words& w) { return world().freeze(side(w[1]), false), ""; }
  std::string cut(const Words& w) { return link(w, true); }
  std::string open(const Words& w) { return link(w, false); }
  std::string link(const Words& w, bool blocked);
  std::string heal(const Words&) { return world().heal(), ""; }
  std::string disk(const Words& w);
  std::string promote(const Words& w) {
    const bool force = w[2] == "force";
    if (world().agents_run()) {
      return told(world().order_agent(side(w[1]), failover::EventKind::operator_promote, force));
    }
    return told(world().order_broker(side(w[1]), {Node::Order::Kind::promote, 0, force, 0, 0, ""}));
  }
  std::string solo(const Words& w) {
    if (world().agents_run()) {
      return told(world().order_agent(side(w[1]), failover::EventKind::operator_solo, false));
    }
    return told(
        world().order_broker(side(w[1]), {Node::Order::Kind::solo, 0, false, 0, 0, "operator"}));
  }
  std::string switchover(const Words& w) {
    return told(world().order_agent(side(w[1]), failover::EventKind::operator_switchover, false));
  }
  std::string leave(const Words& w) { return world().nodes[side(w[1])]->leave(), ""; }
  std::string expect(const Words& w);
  std::string expect_node(unsigned side, const std::string& what);

  const bool print_;
  WorldConfig config_;
  std::unique_ptr<World> world_;
  std::string output_;
  std::string refusal_;
};

const std::map<std::string, Scenario::Command> Scenario::kCommands = {
    {"config", &Scenario::config},   {"run", &Scenario::run},
    {"settle", &Scenario::settle},   {"agents", &Scenario::agents},
    {"publish", &Scenario::publish}, {"crash", &Scenario::crash},
    {"power", &Scenario::power},     {"restart", &Scenario::restart},
    {"cut", &Scenario::cut},         {"open", &Scenario::open},
    {"heal", &Scenario::heal},       {"disk", &Scenario::disk},
    {"promote", &Scenario::promote}, {"solo", &Scenario::solo},
    {"leave", &Scenario::leave},     {"switchover", &Scenario::switchover},
    {"freeze", &Scenario::freeze},   {"thaw", &Scenario::thaw},
    {"pause", &Scenario::pause},     {"expect", &Scenario::expect}};

std::string Scenario::config(const Words& w) {
  if (world_) return "config comes first";
  if (w[1] == "commit") {
    config_.commit = w[2] == "replicated+synced" ? repl::CommitRule::replicated_synced
                                                 : repl::CommitRule::replicated;
  } else if (w[1] == "publishers") {
    config_.publishers = static_cast<unsigned>(number(w[2]));
  } else if (w[1] == "subscribers") {
    config_.subscribers = static_cast<unsigned>(number(w[2]));
  } else if (w[1] == "journal" && w[2] == "short") {
    config_.journal_bytes = 1;
  } else {
    return "config knows commit, publishers, subscribers and journal short";
  }
  return "";
}

std::string Scenario::settle(const Words&) {
  if (!world().settle(kSettle)) return "does not settle: " + world().unsettled();
  world().judge();
  return "";
}

// publish p1 100 qos 2
std::string Scenario::publish(const Words& w) {
  for (const auto& publisher : world().publishers) {
    if (publisher->name() != w[1] && w[1] != "all") continue;
    const auto qos = static_cast<unsigned>(w[3] == "qos" ? number(w[4]) : 3);
    publisher->publish(number(w[2]), qos, 2 * kMs, 2);
  }
  return "";
}

// link, a->b, b->a, service, clients a
std::string Scenario::link(const Words& w, bool blocked) {
  if (w[1] == "clients") return world().cut_clients(side(w[2]), blocked), "";
  if (w[1] == "service") {
    for (const unsigned from : {0u, 1u}) world().block_service(from, blocked);
    return "";
  }
  if (w[1] != "link" && w[1] != "a->b" && w[1] != "b->a") {
    return "cut what? link, a->b, service, clients a";
  }
  if (w[1] != "b->a") world().block(0, blocked);
  if (w[1] != "a->b") world().block(1, blocked);
  return "";
}

// disk a fails; disk a slow MS; disk a replaced
std::string Scenario::disk(const Words& w) {
  Node& node = *world().nodes[side(w[1])];
  if (w[2] == "fails") {
    node.kept().disk->sync_error = EIO;
  } else if (w[2] == "slow") {
    node.kept().sync_max = number(w[3]) * kMs;
  } else if (w[2] == "replaced") {
    if (node.running()) return "of a node that is down";
    node.kept() = Kept{};
  } else {
    return "disk NODE fails, disk NODE slow MS, or disk NODE replaced";
  }
  return "";
}

std::string Scenario::expect(const Words& w) {
  const Checker& checker = world().place.checker;
  const auto counted = [&](std::uint64_t is) {
    return is == number(w[2]) ? "" : "there are " + std::to_string(is);
  };
  if (is_node(w[1])) return expect_node(side(w[1]), w[2]);
  if (w[1] == "acknowledged") return counted(checker.acknowledged_count());
  if (w[1] == "published") return counted(checker.published_count());
  if (w[1] == "refused") return refusal_.empty() ? "it was not refused" : "";
  if (w[1] == "quarantined") return counted(world().nodes[side(w[3])]->quarantined());
  return "expect NODE STATE, acknowledged N, published N, refused, quarantined N NODE";
}

std::string Scenario::expect_node(unsigned side, const std::string& what) {
  const Node& node = *world().nodes[side];
  const repl::ReplicaStatus status = node.status();
  if (what == "down") return node.running() ? "it runs" : "";
  if (!node.running()) return "it is down";
  const std::string role = repl::to_string(status.role);
  const std::string pair = repl::to_string(status.pair_state);
  const std::string sync = status.in_sync ? "in_sync" : "out_of_sync";
  if (what == role || what == pair || what == sync) return "";
  return "it is " + role + " " + pair + " " + sync;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Empty when equal.
std::string first_difference(const std::string& expected, const std::string& got) {
  std::istringstream a(expected), b(got);
  std::string want, have;
  for (int number = 1;; ++number) {
    const bool more_a = bool(std::getline(a, want));
    const bool more_b = bool(std::getline(b, have));
    if (!more_a && !more_b) return "";
    if (more_a && more_b && want == have) continue;
    return "line " + std::to_string(number) + " of the output is\n  " +
           (more_b ? have : "(the end)") + "\nand was\n  " + (more_a ? want : "(the end)");
  }
}

}  // namespace

Status play_scenario(const std::string& path, bool update, bool print) {
  std::ifstream in(path);
  if (!in) return Error{"cannot open " + path};
  Scenario scenario(print);
  std::string text;
  for (int number = 1; std::getline(in, text); ++number) {
    const std::string wrong = scenario.line(text);
    if (wrong.empty()) continue;
    return Error{path + ":" + std::to_string(number) + ": " + text + "\n  " + wrong +
                 "\n--- until then:\n" + scenario.output()};
  }
  const std::string golden = path.substr(0, path.rfind(".txt")) + ".golden";
  if (update) return std::ofstream(golden) << scenario.output(), Done{};
  const std::string difference = first_difference(read_file(golden), scenario.output());
  if (difference.empty()) return Done{};
  return Error{path + ": " + difference + "\nIf that is right: tandemq-sim --update --scenario " +
               path};
}

}  // namespace tandemq::sim
