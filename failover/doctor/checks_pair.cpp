// Are the two nodes a whole pair, and would a failover succeed?
#include "failover/doctor/findings.h"

namespace tandemq::doctor {
namespace {

using nlohmann::json;

constexpr std::int64_t kPathSilentMs = 3000;
constexpr std::int64_t kFlapWindowMs = 600'000;
constexpr int kFlapChanges = 6;  // two failovers and their returns are four

Finding of_pair(const Facts& f) {
  if (is_single(f)) return unknown("a broker by itself");
  return unknown("no agent answers");
}
bool has_pair(const Facts& f) {
  return !is_single(f) && !f.agent.is_null();
}

// The one that reigns as far as is known here; null: none.
json reigning(const Facts& f) {
  if (is_primary(f.broker)) return f.broker;
  return peer_is_fresh(f) && is_primary(peer_of(f)) ? peer_of(f) : json();
}

Finding primary(const Facts& f) {
  if (is_single(f))
    return is_primary(f.broker) ? good("this one") : bad("the broker does not serve");
  if (f.agent.is_null() && f.broker.is_null()) return unknown("nobody answers");
  if (!reigning(f).is_null()) return good("there is one");
  const std::string waits = word(agent_of(f), "waiting_for");
  return bad("nobody serves" + (waits.empty() ? waits : ": " + waits));
}

Finding one_primary(const Facts& f) {
  if (!has_pair(f) || !peer_is_fresh(f)) return of_pair(f);
  if (is_primary(f.broker) && is_primary(peer_of(f))) return bad("both nodes are primary");
  return good("not both");
}

Finding paired(const Facts& f) {
  if (!has_pair(f)) return of_pair(f);
  const json who = reigning(f);
  if (who.is_null()) return bad("there is no primary");
  const std::string state = word(who, "pair_state");
  if (state == "paired") return good("what is acknowledged is on both nodes");
  if (state == "resyncing") return warning("the standby is catching up");
  return state == "waiting" ? bad("the primary waits for its standby and acknowledges nothing")
                            : bad("the primary is alone (" + state + ")");
}

Finding standby_in_sync(const Facts& f) {
  if (!has_pair(f)) return of_pair(f);
  const bool here = is_primary(f.broker);
  if (here && f.broker.contains("peer_in_sync"))
    return is_set(f.broker, "peer_in_sync") ? good("it may take over")
                                            : bad("it could not take over");
  if (f.broker.is_null()) return unknown("no broker answers");
  return is_set(f.broker, "in_sync") ? good("this node may take over")
                                     : bad("this node could not take over");
}

Finding peer_heard(const Facts& f) {
  if (!has_pair(f)) return of_pair(f);
  if (peer_of(f).empty()) return bad("it was never heard");
  return peer_is_fresh(f) ? good(word(peer_of(f), "state"))
                          : bad("what was last heard of it is old");
}

Finding paths_heard(const Facts& f) {
  if (!has_pair(f)) return of_pair(f);
  std::string silent;
  const json heard = part(agent_of(f), "peer_heard_ms");
  for (const auto& [path, ms] : heard.items())
    if (ms.is_number() && (ms == -1 || ms > kPathSilentMs)) silent += " " + path;
  if (!silent.empty()) return bad("nothing comes from" + silent);
  return good(std::to_string(heard.size()) + " paths");
}

Finding peer_authentic(const Facts& f) {
  if (!has_pair(f)) return of_pair(f);
  const std::string why = word(agent_of(f), "peer_refused");
  return why.empty() ? good("its words are taken") : bad(why);
}

Finding brokers_pair(const Facts& f) {
  if (is_single(f) || f.broker.is_null()) return of_pair(f);
  const std::string why = word(f.broker, "peer_refused");
  return why.empty() ? good("nothing is in the way") : bad(why);
}

Finding link_up(const Facts& f) {
  if (is_single(f) || f.broker.is_null()) return of_pair(f);
  return is_set(f.broker, "peer_connected") ? good("connected")
                                            : bad("the brokers are not connected");
}

Finding settings_same(const Facts& f) {
  if (!has_pair(f)) return of_pair(f);
  std::string differ;
  for (const json& side : {agent_of(f), f.broker}) {
    for (const json& one : list(side, "settings_differ"))
      differ += (differ.empty() ? "" : ", ") + word(one, "setting") + " is " + word(one, "here") +
                " here and " + word(one, "there") + " there";
  }
  return differ.empty() ? good("what should be equal is") : warning(differ);
}

Finding versions_same(const Facts& f) {
  if (!has_pair(f) || peer_of(f).empty()) return of_pair(f);
  const std::string here = word(agent_of(f), "version"), there = word(peer_of(f), "version");
  const std::string broker = word(f.broker, "version"), other = word(f.broker, "peer_version");
  if (here != there) return note("agents: " + here + " here, " + there + " there");
  if (!broker.empty() && !other.empty() && broker != other)
    return note("brokers: " + broker + " here, " + other + " there");
  return good(here);
}

Finding peer_keepalived(const Facts& f) {
  if (!has_pair(f) || !peer_is_fresh(f)) return of_pair(f);
  return is_set(peer_of(f), "keepalived_alive") ? good("it runs")
                                                : bad("it does not run on the peer");
}

Finding failover_ready(const Facts& f) {
  if (!has_pair(f)) return of_pair(f);
  std::string all;
  for (const json& one : list(agent_of(f), "impairments"))
    if (one.is_string()) all += (all.empty() ? "" : "; ") + one.get<std::string>();
  return all.empty() ? good("the agent knows of nothing that is in its way") : bad(all);
}

Finding nothing_quarantined(const Facts& f) {
  if (!f.disk) return unknown("the data folder is not known");
  if (f.quarantined == 0) return good("no file");
  return warning(std::to_string(f.quarantined) + " files in " + f.disk->folder + "/quarantine");
}

Finding roles_steady(const Facts& f) {
  if (!f.changes.is_array()) return unknown("no history");
  int lately = 0;
  for (const json& change : f.changes)
    lately += count(change, "time_ms") > f.now_s * 1000 - kFlapWindowMs;
  if (lately < kFlapChanges) return good("changes in ten minutes: " + std::to_string(lately));
  return warning("changes in ten minutes: " + std::to_string(lately));
}

constexpr const char* kPeerAgent = "on the peer: systemctl status tandemq-agent; tandemqctl doctor";

constexpr Check kOfPair[] = {
    {"primary", "does a node serve?", "tandemqctl status on both nodes says what each waits for",
     &primary},
    {"one-primary", "do not both nodes serve?",
     "let no client in, keep both nodes' data, and see the runbook TandemqTwoPrimaries",
     &one_primary},
    {"paired", "is what is acknowledged on both nodes?", kPeerAgent, &paired},
    {"standby-in-sync", "may the standby take over?",
     "wait for the resync to end; tandemqctl status shows how far it is", &standby_in_sync},
    {"peer-heard", "does the peer's agent speak?", kPeerAgent, &peer_heard},
    {"paths-heard", "is it heard on every path?",
     "look at cables and packet filters of that network (UDP 7884)", &paths_heard},
    {"peer-authentic", "are its words taken?",
     "the same peer.secret_file on both nodes, names and indices crossed", &peer_authentic},
    {"brokers-pair", "do the brokers take each other for a pair?",
     "compare pair_id, names, indices and versions of both nodes", &brokers_pair},
    {"link-up", "is the replication link up?",
     "compare replication.listen and peer_address; let TCP 7883 pass", &link_up},
    {"settings-same", "are the settings equal that should be?",
     "make them equal on both nodes, and restart the standby first", &settings_same},
    {"versions-same", "do both nodes run the same version?", "upgrade the other node as well",
     &versions_same},
    {"peer-keepalived", "does keepalived run on the peer?",
     "on the peer: systemctl start keepalived", &peer_keepalived},
    {"failover-ready", "does the agent know of nothing in the way of a failover?",
     "what it says; the other checks tell more", &failover_ready},
    {"nothing-quarantined", "are there no records that were set aside?",
     "look what is in them (tandemq-journal FILE), then move them away", &nothing_quarantined},
    {"roles-steady", "did the roles stay as they are?", "tandemqctl history says why they changed",
     &roles_steady},
};

}  // namespace

const std::span<const Check> kPairChecks = kOfPair;

}  // namespace tandemq::doctor
