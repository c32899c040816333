// Is the virtual address where it should be, there alone, and reachable?
#include "failover/doctor/findings.h"

namespace tandemq::doctor {
namespace {

Finding of_address(const Facts& f) {
  if (is_single(f)) return unknown("a broker by itself has no virtual address");
  return unknown(f.agent.is_null() ? "no agent answers" : "could not be looked at");
}

Finding keepalived_conf(const Facts& f) {
  if (!f.keepalived_differs) return of_address(f);
  return *f.keepalived_differs ? bad("keepalived.conf is not what agent.toml asks for")
                               : good("keepalived.conf is as agent.toml asks");
}

Finding vrrp_state(const Facts& f) {
  if (is_single(f) || f.agent.is_null()) return of_address(f);
  const std::string state = word(agent_of(f), "vrrp");
  if (state == "MASTER" || state == "BACKUP") return good(state);
  return bad("keepalived says " + state);
}

Finding vrrp_heard(const Facts& f) {
  if (is_single(f) || !peer_is_fresh(f)) return of_address(f);
  const bool here = word(agent_of(f), "vrrp") == "MASTER";
  const bool there = word(peer_of(f), "vrrp") == "MASTER";
  if (here && there) return bad("both are master: neither hears the other");
  if (!here && !there) return bad("neither is master");
  return good("one is master, the other hears it");
}

Finding address_held(const Facts& f) {
  if (is_single(f) || f.agent.is_null() || f.broker.is_null()) return of_address(f);
  const bool held = is_set(agent_of(f), "holds_address");
  if (is_primary(f.broker) && !held) return bad("the node that serves does not hold it");
  if (!is_primary(f.broker) && held) return bad("this node holds it and does not serve");
  return good(held ? "here, where clients are served" : "not here, as it should be");
}

Finding address_once(const Facts& f) {
  if (is_single(f) || f.agent.is_null() || !f.address_asked) return of_address(f);
  std::string who;
  for (const std::string& mac : f.address_macs) who += " " + mac;
  const std::size_t expected = is_set(agent_of(f), "holds_address") ? 0 : 1;
  if (f.address_macs.size() > expected)
    return bad(expected == 0 ? "this node holds it, and so does" + who : "held by several:" + who);
  if (f.address_macs.size() < expected) return warning("nobody answers for it");
  return good(expected == 0 ? "nobody else answers for it" : "one answers for it:" + who);
}

Finding address_connects(const Facts& f) {
  if (is_single(f) || !f.address_connects) return of_address(f);
  return *f.address_connects ? good("a connection was taken")
                             : bad("no connection within a second");
}

Finding address_near(const Facts& f) {
  if (!f.settings || !f.interface || !f.interface->is_there) return of_address(f);
  std::string far;
  for (const std::string& one : f.settings->virtual_addresses) {
    bool near = false;
    for (const std::string& found : f.same_network) near = near || found == one;
    if (!near) far += " " + one;
  }
  return far.empty() ? good("in the network of " + f.settings->interface)
                     : warning("in no network of " + f.settings->interface + ":" + far);
}

constexpr Check kOfAddress[] = {
    {"keepalived-conf", "is keepalived.conf as the agent wants it?",
     "tandemq-agent --write-keepalived, then restart keepalived, the standby first",
     &keepalived_conf},
    {"vrrp-state", "is keepalived of this node well?",
     "journalctl -u keepalived; look at the interface", &vrrp_state},
    {"vrrp-heard", "is VRRP heard both ways?",
     "let protocol 112 pass between the nodes; equal router_id, unicast_peers crossed",
     &vrrp_heard},
    {"address-held", "is the virtual address with the node that serves?",
     "journalctl -u keepalived; systemctl restart keepalived", &address_held},
    {"address-once", "does one host alone hold the virtual address?",
     "find the host with that hardware address and take the address off it", &address_once},
    {"address-connects", "does the virtual address take a connection?",
     "look at packet filters and at the broker's listeners", &address_connects},
    {"address-near", "is the virtual address of the interface's network?",
     "clients beyond need a route to it; else correct vrrp.addresses or vrrp.interface",
     &address_near},
};

}  // namespace

const std::span<const Check> kAddressChecks = kOfAddress;

}  // namespace tandemq::doctor
