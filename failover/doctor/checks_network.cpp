// Interfaces, paths between the nodes, packet filters and names.
#include <algorithm>

#include "failover/doctor/findings.h"

namespace tandemq::doctor {
namespace {

using nlohmann::json;

constexpr unsigned kOrdinaryMtu = 1500;

Finding no_settings() {
  return unknown("no agent.toml was read");
}

Finding interface_up(const Facts& f) {
  if (!f.settings || !f.interface) return no_settings();
  if (!f.interface->is_there) return bad("there is no " + f.settings->interface);
  if (!f.interface->up) return bad(f.settings->interface + " is down");
  return f.interface->carrier ? good(f.settings->interface)
                              : bad(f.settings->interface + " has no cable");
}

std::string bare(const std::string& address) {
  std::string host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return host;
}

Finding addresses_own(const Facts& f) {
  if (!f.settings) return no_settings();
  std::vector<std::string> wanted;
  for (const std::string& one : f.settings->listen) wanted.push_back(bare(one));
  if (!f.settings->unicast_source.empty()) wanted.push_back(f.settings->unicast_source);
  std::string missing;
  for (const std::string& one : wanted) {
    if (one == "0.0.0.0" || one == "::") continue;
    if (std::find(f.own_addresses.begin(), f.own_addresses.end(), one) == f.own_addresses.end())
      missing += " " + one;
  }
  return missing.empty() ? good("all are addresses of this host")
                         : bad("not of this host:" + missing);
}

Finding paths_apart(const Facts& f) {
  if (!f.settings) return no_settings();
  if (f.settings->peer_addresses.size() < 2)
    return note("the nodes know one path: a cut of it looks like a dead peer");
  const bool same =
      f.devices.size() > 1 && std::all_of(f.devices.begin(), f.devices.end(),
                                          [&](const auto& d) { return d == f.devices[0]; });
  return same ? note("all leave by " + f.devices[0]) : good("by interfaces of their own");
}

Finding gateway_named(const Facts& f) {
  if (!f.settings) return no_settings();
  if (f.settings->authority != "timeout") return good("authority " + f.settings->authority);
  if (!f.settings->gateway.empty()) return good(f.settings->gateway);
  return note("authority timeout without a gateway: a host cut off from all may serve alone");
}

Finding gateway_answers(const Facts& f) {
  if (!f.settings) return no_settings();
  if (f.settings->gateway.empty()) return unknown("none is named");
  if (f.agent.is_null()) return unknown("no agent answers");
  return is_set(agent_of(f), "gateway_answers") ? good(f.settings->gateway)
                                                : bad(f.settings->gateway + " does not answer");
}

Finding mtu(const Facts& f) {
  if (!f.interface || !f.interface->is_there) return no_settings();
  const std::string text = std::to_string(f.interface->mtu);
  return f.interface->mtu < kOrdinaryMtu ? note(text + ", less than clients expect") : good(text);
}

Finding large_packets(const Facts& f) {
  if (f.large_packets.empty())
    return unknown("the peer does not answer ping, or there is no ping here");
  std::string lost;
  for (const auto& [address, arrives] : f.large_packets)
    if (!arrives) lost += " " + address;
  return lost.empty() ? good("they arrive") : bad("small ones arrive, full ones do not, at" + lost);
}

// A chain that drops what is not named in it, with no word of VRRP in the whole list: a guess, but
// the one that is true for most.
Finding filter_passes(const Facts& f) {
  if (!f.packet_filter || !f.packet_filter->is_object()) return unknown("nft could not be asked");
  std::string drops;
  for (const json& one : list(*f.packet_filter, "nftables")) {
    const json chain = part(one, "chain");
    if (word(chain, "hook") == "input" && word(chain, "policy") == "drop")
      drops += " " + word(chain, "table") + "/" + word(chain, "name");
  }
  if (drops.empty()) return good("no chain drops by default");
  const std::string all = f.packet_filter->dump();
  const bool named = all.find("vrrp") != all.npos || all.find("\"right\":112") != all.npos;
  return named ? good("drops by default, and names VRRP:" + drops)
               : warning("drops by default, and does not name VRRP (112):" + drops);
}

Finding host_name(const Facts& f) {
  if (!f.host_name_known) return unknown("not asked");
  return *f.host_name_known ? good("this host knows its own name")
                            : note("this host's name cannot be looked up");
}

constexpr Check kOfNetwork[] = {
    {"interface-up", "is the interface of the virtual address up?",
     "ip link; correct vrrp.interface, or the cable", &interface_up},
    {"addresses-own", "are the addresses in agent.toml this host's?",
     "correct peer.listen and vrrp.unicast_source, or the host's addresses", &addresses_own},
    {"paths-apart", "are there two paths to the peer, over two interfaces?",
     "a second network between the hosts, named in peer.listen and peer.addresses of both",
     &paths_apart},
    {"gateway-named", "can a host tell that it is the one cut off?",
     "failover.gateway: an address of the service network that is there whichever host dies",
     &gateway_named},
    {"gateway-answers", "does the gateway answer?",
     "look at the gateway; while it is silent this node does not go on alone", &gateway_answers},
    {"mtu", "is the interface's packet size the usual one?", "ip link set dev IF mtu 1500", &mtu},
    {"large-packets", "do packets of the full size reach the peer?",
     "the same MTU on both hosts and on the switches between them", &large_packets},
    {"filter-passes", "does the packet filter let VRRP in?",
     "nft list ruleset; accept protocol 112, UDP 7884 and TCP 7883 from the peer", &filter_passes},
    {"host-name", "does the host know its own name?", "put it into /etc/hosts", &host_name},
};

}  // namespace

const std::span<const Check> kNetworkChecks = kOfNetwork;

}  // namespace tandemq::doctor
