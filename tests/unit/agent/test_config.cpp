#include <doctest/doctest.h>

#include "failover/shell/config.h"
#include "failover/shell/keepalived_conf.h"

using namespace tandemq;
using namespace tandemq::failover;

namespace {

const std::string kGood = R"(
[node]
name = "a"
index = 1
run_dir = "/run/tandemq-agent"
[peer]
name = "b"
listen = ["10.99.0.11:7884", "[fd00::11]:7884"]
addresses = ["10.99.0.12:7884", "[fd00::12]:7884"]
[vrrp]
interface = "eth0"
addresses = ["10.99.0.100/24", "fd00::100/64"]
unicast_source = "10.99.0.11"
unicast_peers = ["10.99.0.12"]
)";

std::string complaint(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const std::size_t at = text.find(from);
  REQUIRE(at != text.npos);
  text.replace(at, from.size(), to);
  const Result<AgentConfig> config = parse_config(text, "agent.toml");
  if (config) return "";
  CHECK(config.error().code == 2);
  return config.error().message;
}

bool has(const std::string& text, const char* part) {
  return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("a good configuration is read") {
  const Result<AgentConfig> config = parse_config(kGood, "agent.toml");
  REQUIRE_MESSAGE(config, config.error().message);
  CHECK(config->listen.size() == 2);
  CHECK(config->settings(7).boot == 7);
  CHECK(config->settings(7).silence_ms == 300);
}

TEST_CASE("what is wrong is named with file, line, key and remedy") {
  const std::string unknown = complaint("index = 1", "indes = 1");
  CHECK(has(unknown, "agent.toml:4"));
  CHECK(has(unknown, "node.indes"));
  CHECK(has(complaint("index = 1", "index = 3"), "from 1 to 2"));
  CHECK(has(complaint("name = \"b\"", "name = \"a\""), "differ"));
  CHECK(has(complaint("\"10.99.0.12:7884\"", "\"10.99.0.12\""), "ADDRESS:PORT"));
  CHECK(has(complaint("\"10.99.0.11:7884\", ", ""), "one for each"));
  CHECK(has(complaint("10.99.0.100/24", "10.99.0.100"), "prefix"));
  CHECK(has(complaint("10.99.0.100/24", "10.99.0.300/24"), "not an IPv4"));
  CHECK(has(complaint("[vrrp]", "[failover]\nauthority = \"hope\"\n[vrrp]"), "\"timeout\""));
  CHECK(has(complaint("[vrrp]", "[failover]\nin_sync_lease_ms = 500\n[vrrp]"), "three times"));
  CHECK(has(complaint("[vrrp]", "[vrrp]\nadvert_int = 0"), "0.01"));
  CHECK(has(complaint("[vrrp]", "[vrrp]\nadvert_int = nan"), "0.01"));
  CHECK(has(complaint("unicast_source = \"10.99.0.11\"", ""), "unicast_source"));
  CHECK(has(complaint("[node]", "[node"), "not valid TOML"));
}

TEST_CASE("nothing but plain words reaches keepalived's configuration") {
  for (const char* evil :
       {"eth0 }\\nvrrp_script x {", "eth0\\\"", "eth 0", "{", "", "a'b", "$(id)"}) {
    CHECK(has(complaint("\"eth0\"", "\"" + std::string(evil) + "\""), "vrrp.interface"));
  }
  CHECK(has(complaint("/run/tandemq-agent", "/run/x y"), "node.run_dir"));
  CHECK(has(complaint("\"10.99.0.12\"]", "\"10.99.0.12 }\"]"), "unicast_peers"));
}

TEST_CASE("the VRRP instance speaks the family of unicast_source, or that of the first address") {
  const auto conf = [](const char* addresses, const char* source, const char* peer) {
    std::string text = kGood;
    const std::size_t at = text.find("addresses = [\"10.99.0.100");
    text.replace(at, text.size() - at, std::string("addresses = ") + addresses + "\n");
    if (*source) text += std::string("unicast_source = \"") + source + "\"\n";
    if (*peer) text += std::string("unicast_peers = [\"") + peer + "\"]\n";
    const Result<AgentConfig> config = parse_config(text, "agent.toml");
    return config ? keepalived_conf(*config) : "refused: " + config.error().message;
  };
  const char* both = R"(["fd00::100/64", "10.99.0.100/24"])";
  CHECK(has(conf(both, "10.99.0.11", "10.99.0.12"), "virtual_ipaddress {\n        10.99.0.100/24"));
  CHECK(has(conf(both, "fd00::11", "fd00::12"), "virtual_ipaddress {\n        fd00::100/64"));
  CHECK(has(conf(both, "", ""), "excluded {\n        10.99.0.100/24"));
  CHECK(has(conf(R"(["fd00::100/64"])", "fd00::11", "fd00::12"), "unicast_src_ip fd00::11"));
  CHECK(has(conf(R"(["fd00::100/64"])", "10.99.0.11", "10.99.0.12"), "one of addresses"));
  CHECK(has(conf(both, "10.99.0.11", "fd00::12"), "same family as unicast_source"));
}

TEST_CASE("keepalived.conf follows the design") {
  const std::string conf = keepalived_conf(*parse_config(kGood, "agent.toml"));
  for (const char* line :
       {"vrrp_version 3", "state BACKUP", "priority 247", "advert_int 0.10", "weight 1",
        "init_file -254 overwrite", "vrrp_notify_fifo /run/tandemq-agent/vrrp.fifo",
        "fifo_write_vrrp_states_on_reload", "unicast_src_ip 10.99.0.11", "check_unicast_src",
        "vrrp_garp_master_refresh 30", "vrrp_higher_prio_send_advert true", "vrrp_no_swap",
        "virtual_ipaddress_excluded {\n        fd00::100/64 dev eth0"}) {
    CHECK_MESSAGE(has(conf, line), line);
  }
  for (const char* never : {"vrrp_strict", "vrrp_script", "notify_master", "nopreempt"})
    CHECK(!has(conf, never));
}
