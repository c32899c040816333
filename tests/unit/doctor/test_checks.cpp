// The judgement of `tandemqctl doctor`, by facts that are made up.
#include <doctest/doctest.h>

#include <set>

#include "failover/doctor/check.h"

using namespace tandemq::doctor;
using nlohmann::json;

namespace {

Facts healthy() {
  Facts f;
  f.broker = {{"role", "primary"},      {"pair_state", "paired"},
              {"version", "1"},         {"peer_version", "1"},
              {"peer_in_sync", true},   {"in_sync", true},
              {"peer_connected", true}, {"busy", ""},
              {"peer_refused", ""},     {"pid", 7}};
  f.agent = {{"agent",
              {{"state", "primary"},
               {"version", "1"},
               {"vrrp", "MASTER"},
               {"holds_address", true},
               {"keepalived_pid", 9},
               {"peer_fresh", true},
               {"peer_heard_ms", {{"10.0.0.2:7884", 20}, {"10.1.0.2:7884", 20}}},
               {"impairments", json::array()}}},
             {"peer",
              {{"role", "standby"},
               {"state", "standby"},
               {"version", "1"},
               {"broker_alive", true},
               {"vrrp", "BACKUP"},
               {"keepalived_alive", true},
               {"clock_ahead_ms", 3}}}};
  f.changes = json::array();
  f.settings_wrong = "";
  f.broker_check = Answer{0, ""};
  f.settings = Settings{"timeout",
                        "10.0.0.254",
                        "eth0",
                        "10.0.0.1",
                        {"10.0.0.100/24"},
                        {"10.0.0.1:7884", "10.1.0.1:7884"},
                        {"10.0.0.2:7884", "10.1.0.2:7884"},
                        64};
  f.agent["agent"]["gateway_answers"] = true;
  f.keepalived_differs = false;
  const File file{"/etc/tandemq/x", 0640, true, 100};
  f.files = {file};
  f.secret = f.agent_settings = f.broker_settings = f.keepalived_settings = file;
  f.broker_process = f.agent_process = f.keepalived_process = Process{7, 200, false, 30, 100000, 0};
  f.units = json{{"tandemqd", "enabled"}, {"tandemq-agent", "enabled"}, {"keepalived", "enabled"}};
  f.own_addresses = {"10.0.0.1", "10.1.0.1"};
  f.interface = Interface{true, true, true, 1500};
  f.address_asked = true;
  f.address_connects = true;
  f.same_network = {"10.0.0.100/24"};
  f.devices = {"eth0", "eth1"};
  f.large_packets = {{"10.0.0.2", true}};
  f.packet_filter = json{{"nftables", json::array()}};
  f.host_name_known = true;
  f.clock_synchronized = true;
  f.disk = Disk{"/var/lib/tandemq", "", 100ull << 30, 50ull << 30, 1000, 900, 1.5};
  f.memory_kib = 1000;
  f.memory_free_kib = 500;
  f.now_s = 1000;
  return f;
}

// The checks that are worse than a note.
std::set<std::string> complaints(const Facts& f) {
  std::set<std::string> names;
  for (const Judged& one : examine(f, all_checks()))
    if (one.finding.verdict > Verdict::note) names.insert(one.check.name);
  return names;
}

using Names = std::set<std::string>;

}  // namespace

TEST_CASE("a healthy pair has nothing worth a note, and every check is told apart") {
  const auto results = examine(healthy(), all_checks());
  CHECK(results.size() >= 30);
  CHECK(exit_code(results) == 0);
  Names names;
  for (const Judged& one : results) {
    CHECK_MESSAGE(one.finding.verdict <= Verdict::good, one.check.name);
    names.insert(one.check.name);
  }
  CHECK(names.size() == results.size());
}

TEST_CASE("a clock that the peer does not tell is not called equal") {
  Facts f = healthy();
  f.agent["peer"]["clock_ahead_ms"] = nullptr;
  for (const Judged& one : examine(f, all_checks())) {
    if (one.check.name == std::string("clocks-equal"))
      CHECK(one.finding.verdict == Verdict::unknown);
  }
}

TEST_CASE("each fault is named by the check that looks for it") {
  const auto broken = [](void (*with)(Facts&)) {
    Facts f = healthy();
    with(f);
    return complaints(f);
  };
  CHECK(broken([](Facts& f) { f.broker["pair_state"] = "solo"; }) == Names{"paired"});
  CHECK(broken([](Facts& f) { f.broker["peer_in_sync"] = false; }) == Names{"standby-in-sync"});
  CHECK(broken([](Facts& f) { f.broker["peer_refused"] = "no"; }) == Names{"brokers-pair"});
  CHECK(broken([](Facts& f) { f.agent["peer"]["role"] = "primary"; }) == Names{"one-primary"});
  CHECK(broken([](Facts& f) { f.agent["peer"]["vrrp"] = "MASTER"; }) == Names{"vrrp-heard"});
  CHECK(broken([](Facts& f) { f.agent["peer"]["clock_ahead_ms"] = -9000; }) ==
        Names{"clocks-equal"});
  CHECK(broken([](Facts& f) { f.agent["agent"]["peer_heard_ms"]["10.1.0.2:7884"] = -1; }) ==
        Names{"paths-heard"});
  CHECK(broken([](Facts& f) {
          f.agent["agent"]["holds_address"] = false;
          f.address_macs = {"m"};
        }) == Names{"address-held"});
  CHECK(broken([](Facts& f) { f.address_macs = {"02:00:00:00:00:01"}; }) == Names{"address-once"});
  CHECK(broken([](Facts& f) { f.address_connects = false; }) == Names{"address-connects"});
  CHECK(broken([](Facts& f) { f.same_network.clear(); }) == Names{"address-near"});
  CHECK(broken([](Facts& f) { f.keepalived_differs = true; }) == Names{"keepalived-conf"});
  CHECK(broken([](Facts& f) { f.settings_wrong = "line 3"; }) == Names{"agent-settings"});
  CHECK(broken([](Facts& f) { f.broker_check = Answer{2, "no"}; }) == Names{"broker-settings"});
  CHECK(broken([](Facts& f) { f.broker_settings->changed_s = 300; }) == Names{"broker-current"});
  CHECK(broken([](Facts& f) { f.broker_process->replaced = true; }) == Names{"programs-current"});
  CHECK(broken([](Facts& f) { (*f.units)["keepalived"] = "disabled"; }) == Names{"units-enabled"});
  CHECK(broken([](Facts& f) { (*f.units)["mosquitto"] = "enabled"; }) == Names{"no-other-broker"});
  CHECK(broken([](Facts& f) { f.interface->carrier = false; }) == Names{"interface-up"});
  CHECK(broken([](Facts& f) { f.own_addresses = {"10.0.0.1"}; }) == Names{"addresses-own"});
  CHECK(broken([](Facts& f) { f.large_packets[0].second = false; }) == Names{"large-packets"});
  CHECK(broken([](Facts& f) { f.disk->sync_ms = 300; }) == Names{"disk-quick"});
  CHECK(broken([](Facts& f) { f.disk->free = 1 << 20; }) == Names{"disk-room"});
  CHECK(broken([](Facts& f) { f.disk->file_system = "tmpfs"; }) == Names{"disk-lasting"});
  CHECK(broken([](Facts& f) { f.broker_process->files_open = 99000; }) == Names{"descriptors"});
  CHECK(broken([](Facts& f) { f.memory_free_kib = 5; }) == Names{"memory"});
  CHECK(broken([](Facts& f) { f.secret->mode = 0644; }) == Names{"secret-private"});
  CHECK(broken([](Facts& f) { f.settings->secret_bytes = 16; }) == Names{"secret-strong"});
  CHECK(broken([](Facts& f) { f.files[0].mode = 0660; }) == Names{"settings-private"});
  CHECK(broken([](Facts& f) { f.quarantined = 1; }) == Names{"nothing-quarantined"});
}

TEST_CASE("a packet filter that drops by default has to name VRRP") {
  Facts f = healthy();
  const json chain = {
      {"chain", {{"hook", "input"}, {"policy", "drop"}, {"table", "t"}, {"name", "in"}}}};
  (*f.packet_filter)["nftables"] = json::array({chain});
  CHECK(complaints(f) == Names{"filter-passes"});
  (*f.packet_filter)["nftables"].push_back({{"rule", {{"right", "vrrp"}}}});
  CHECK(complaints(f).empty());
}

TEST_CASE("certificates: a month, then a warning, then bad") {
  Facts f = healthy();
  f.broker["certificates"] = json::array({{{"file", "x.pem"}, {"days_left", 20}}});
  CHECK(exit_code(examine(f, all_checks())) == 1);
  f.broker["certificates"][0]["days_left"] = 0;
  CHECK(exit_code(examine(f, all_checks())) == 2);
}

TEST_CASE("a broker by itself is not asked for a pair, and silence is no crash") {
  Facts alone;
  alone.broker = {{"role", "primary"}, {"single", true}, {"pair_state", "solo"}};
  CHECK(complaints(alone).empty());
  Facts nothing;
  nothing.agent_silent = "no answer";
  CHECK(complaints(nothing) == Names{"agent-answers", "broker-answers"});
  // An answer of another version: members of other types, or none.
  Facts strange = healthy();
  strange.agent = {{"agent", "text"}, {"peer", json::array()}};
  strange.broker = {{"role", 5}, {"certificates", "none"}, {"settings_differ", 7}};
  CHECK(exit_code(examine(strange, all_checks())) == 2);
}

TEST_CASE("text names the remedy of what is wrong alone") {
  Facts f = healthy();
  f.keepalived_differs = true;
  const std::string text = to_text(examine(f, all_checks()));
  CHECK(text.find("bad      keepalived-conf") != text.npos);
  CHECK(text.find("-> tandemq-agent --write-keepalived") != text.npos);
  CHECK(text.find("timedatectl") == text.npos);
  const json told = to_json(examine(f, all_checks()), 2);
  CHECK(told["exit_code"] == 2);
  CHECK(told["checks"].size() == all_checks().size());
}
