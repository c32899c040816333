#include "failover/shell/keepalived_conf.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "broker/base/exit_code.h"
#include "broker/support/text_file.h"
#include "failover/shell/loop.h"
#include "failover/shell/track_file.h"

namespace tandemq::failover {
namespace {

bool is_v6(const std::string& address) {
  return address.find(':') != address.npos;
}

std::string global_defs(const AgentConfig& c) {
  return "global_defs {\n"
         "    router_id tandemq_" +
         c.node +
         "\n"
         "    vrrp_version 3\n"
         "    vrrp_notify_fifo " +
         c.notify_fifo() +
         "\n"
         "    fifo_write_vrrp_states_on_reload\n"
         "    vrrp_garp_master_delay 1\n"
         "    vrrp_garp_master_repeat 5\n"
         "    vrrp_garp_master_refresh 30\n"
         "    vrrp_garp_lower_prio_repeat 5\n"
         "    vrrp_higher_prio_send_advert true\n"
         "    vrrp_rt_priority 50\n"
         "    vrrp_rlimit_rttime 200000\n"
         "    vrrp_no_swap\n"
         "}\n";
}

// Without a claim index 1 comes first; a claim outweighs that (docs/decisions/priorities.md). Near
// the top, because a standby waits the longer for a silent master the lower its own priority is.
constexpr int kPriorityOfFirst = 247;

// Written as FAULT by keepalived when it starts; the agent then says what is true.
std::string track_file(const AgentConfig& c) {
  return "track_file tandemq_eligible {\n"
         "    file " +
         c.track_file() +
         "\n"
         "    weight 1\n"
         "    init_file " +
         std::to_string(TrackFile::kFaultValue) +
         " overwrite\n"
         "}\n";
}

std::string peers(const AgentConfig& c) {
  if (c.unicast_peers.empty()) return "";
  std::string out = "    unicast_src_ip " + c.unicast_source +
                    "\n    check_unicast_src\n"
                    "    unicast_peer {\n";
  for (const std::string& peer : c.unicast_peers) out += "        " + peer + "\n";
  return out + "    }\n";
}

// A VRRP instance speaks one family; addresses of the other one move along as excluded ones. Two
// instances could part: one may be master here, the other one there.
std::string addresses(const AgentConfig& c) {
  const bool speaks_v6 = is_v6(c.unicast_peers.empty() ? c.addresses.front() : c.unicast_source);
  std::string own, other;
  for (const std::string& address : c.addresses) {
    std::string& list = is_v6(address) == speaks_v6 ? own : other;
    list += "        " + address + " dev " + c.interface + "\n";
  }
  std::string out = "    virtual_ipaddress {\n" + own + "    }\n";
  if (!other.empty()) out += "    virtual_ipaddress_excluded {\n" + other + "    }\n";
  return out;
}

std::string seconds(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

std::string instance(const AgentConfig& c) {
  return std::string("vrrp_instance ") + kVrrpInstance +
         " {\n"
         "    state BACKUP\n"
         "    interface " +
         c.interface +
         "\n"
         "    virtual_router_id " +
         std::to_string(c.router_id) +
         "\n"
         "    priority " +
         std::to_string(kPriorityOfFirst + 1 - static_cast<int>(c.index)) +
         "\n"
         "    advert_int " +
         seconds(c.advert_int) + "\n" + peers(c) +
         "    track_file {\n"
         "        tandemq_eligible\n"
         "    }\n" +
         addresses(c) + "}\n";
}

constexpr const char* kMark = "# Written by tandemq-agent from ";

Error failed(const std::string& path, const char* what) {
  return Error{std::string("cannot ") + what + " " + path + ": " + std::strerror(errno),
               kExitEnvironment};
}

}  // namespace

std::string keepalived_conf(const AgentConfig& c) {
  return kMark + c.path +
         ". Change it there, then run\n"
         "# tandemq-agent --write-keepalived and restart keepalived on the standby first.\n" +
         global_defs(c) + track_file(c) + instance(c);
}

bool keepalived_conf_differs(const AgentConfig& c) {
  const Result<std::string> now = read_text_file(c.keepalived_conf);
  return now && *now != keepalived_conf(c);
}

Result<bool> write_keepalived_conf(const AgentConfig& c) {
  const std::string text = keepalived_conf(c);
  const Result<std::string> now = read_text_file(c.keepalived_conf);
  if (now && *now == text) return false;
  const bool is_there = access(c.keepalived_conf.c_str(), F_OK) == 0;
  if (is_there && !(now && now->starts_with(kMark))) {
    return Error{c.keepalived_conf +
                     " was not written by tandemq-agent and stays as it is; move it away, or add "
                     "to it what --print-keepalived prints",
                 kExitEnvironment};
  }
  const std::string temporary = c.keepalived_conf + ".new";
  Fd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (!fd) return failed(temporary, "write");
  if (write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      fsync(fd.get()) != 0) {
    return failed(temporary, "write");
  }
  if (rename(temporary.c_str(), c.keepalived_conf.c_str()) != 0) {
    return failed(c.keepalived_conf, "replace");
  }
  return true;
}

}  // namespace tandemq::failover
