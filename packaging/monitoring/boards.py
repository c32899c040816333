#!/usr/bin/python3
"""The Grafana boards: boards.py FOLDER writes one JSON file each into it."""
import json
import os
import sys

from board import (BAD_ABOVE_0, BLUE, GOOD_AT_1, GREEN, GREY, RED, YELLOW, bars, board, graph, limits, row, stat, state_lines,
                   states, words)

PAIR_STATE, PAIR_STATES = states("tandemq_pair_state", {"paired": GREEN, "resyncing": BLUE, "solo": YELLOW, "waiting": RED})
AGENT_STATE, AGENT_STATES = states("tandemq_agent_state", {
    "primary": GREEN, "standby": GREY, "starting": YELLOW, "waiting_for_peer": YELLOW, "out_of_sync": YELLOW, "asking": YELLOW,
    "promoting": YELLOW, "waiting": YELLOW, "switching": YELLOW, "demoting": YELLOW, "killing": RED, "released": YELLOW,
    "broker_down": RED, "fenced": RED})
VRRP_STATE, VRRP_STATES = states("tandemq_agent_vrrp_state", {"MASTER": GREEN, "BACKUP": GREY, "UNKNOWN": YELLOW, "FAULT": RED})
YES = words({0: ("no", RED), 1: ("yes", GREEN)})
NONE = words({0: ("none", GREEN)})
QUICK = ("Read by Prometheus every few seconds, while a failover takes a few tenths of one: what is quicker is seen in "
         "the agents' own figures (Failover timeline).")


def rate(metric, by="node"):
    return f"sum by ({by}) (rate({metric}[$__rate_interval]))"


def slope(metric):
    return f"deriv({metric}[$__rate_interval])"


def quantile(q, metric, by="node"):
    return f"histogram_quantile({q}, sum by ({by}, le) (rate({metric}_bucket[$__rate_interval])))"


PAIR = board("tandemq-pair", "TandeMQ: Pair", "Who serves, and whether the other one could.", [
    stat("Serves", "The node that is primary. More than one, or none: see the runbooks TandemqTwoPrimaries and "
         "TandemqNoPrimary.", "none", {"{{node}}": 'tandemq_role{role="primary"} == 1'}, mappings=words({1: ("primary", GREEN)})),
    stat("Pair state", "paired: what is acknowledged is on both hosts. waiting: publishers wait for the standby. solo: on "
         "one host alone.", "none", {"{{node}}": PAIR_STATE}, mappings=words(PAIR_STATES)),
    stat("Could take over", "1 where the node may be promoted without force: it holds all that was acknowledged.", "none",
         {"{{node}}": "tandemq_in_sync"}, GOOD_AT_1, mappings=YES),
    stat("Has the address", "The node at which keepalived has the virtual address: the one that serves.", "none",
         {"{{node}}": 'tandemq_agent_up{part="address"}'}, limits((1, GREEN), base=GREY),
         mappings=words({0: ("no", GREY), 1: ("yes", GREEN)})),
    stat("Impairments", "What keeps a failover from succeeding now; tandemqctl status names each.", "none",
         {"{{node}}": "tandemq_agent_impairments"}, BAD_ABOVE_0, mappings=NONE),
    stat("Epoch", "Number of the present reign: one more with every change of roles.", "none",
         {"{{node}}": "tandemq_epoch"}),
    stat("Quarantined", "Records acknowledged by a node that was alone, and lost to the other history; kept in a file. Since "
         "the broker's start.", "none", {"{{node}}": "tandemq_quarantined_records_total"}, BAD_ABOVE_0, mappings=NONE),
    stat("Lost", "Of such, those that are in no file. Since the broker's start.", "none",
         {"{{node}}": "tandemq_acknowledged_lost_records_total"}, BAD_ABOVE_0, mappings=NONE),
    stat("Settings that differ", "Between the nodes, and should not; tandemqctl status names them.", "none",
         {"{{node}} broker": "tandemq_settings_differ", "{{node}} agent": "tandemq_agent_settings_differ"}, BAD_ABOVE_0,
         size=(8, 4), mappings=NONE),
    stat("Peer refused", "1: the nodes do not pair, or their agents do not believe each other; status says why.", "none",
         {"{{node}} broker": "tandemq_peer_refused", "{{node}} agent": "tandemq_agent_peer_refused"}, BAD_ABOVE_0,
         size=(8, 4), mappings=NONE),
    state_lines("Roles", "Which node was primary. " + QUICK, {"{{node}}": 'tandemq_role{role="primary"}'},
                {0: ("standby", GREY), 1: ("primary", GREEN)}),
    state_lines("Pair state of the primary", "Which state held, of the node that served.",
                {"{{node}}": f'{PAIR_STATE} and on (pair, node) tandemq_role{{role="primary"}} == 1'}, PAIR_STATES),
    state_lines("Parts that are there", "Broker, its control socket, keepalived, interface and gateway as each agent sees them.",
                {"{{node}} {{part}}": 'tandemq_agent_up{part!~"address|eligible"}'}, {0: ("gone", RED), 1: ("there", GREEN)},
                size=(12, 9)),
    state_lines("Processes that answer", "Whether Prometheus can read the daemon's metrics.", {"{{node}} {{job}}": "up"},
                {0: ("silent", RED), 1: ("answers", GREEN)}, size=(12, 9)),
])

FAILOVERS = board("tandemq-failover", "TandeMQ: Failover timeline", "What the agents measured themselves.", [
    stat("Took over", "Times that a node took over from its peer since its agent started, by cause.", "none",
         {"{{node}} {{cause}}": "tandemq_agent_failovers_total"}, size=(7, 5)),
    stat("Nine failovers in ten were within", "Ninth decile of each part of the failovers since the agents started: until the death was "
         "noticed, until the peer served, until the first client was back, until 95 % of the sessions were.", "s",
         {name: f'histogram_quantile(0.9, sum by (le) (tandemq_agent_failover_phase_seconds_bucket{{phase="{phase}"}}))'
          for phase, name in (("detection", "noticed"), ("promotion", "serves"), ("first_client", "first client"),
                              ("sessions_95", "95 % back"))},
         limits((1, YELLOW), (5, RED)), size=(10, 5)),
    stat("State since", "Age of each agent's state.", "s", {"{{node}}": "tandemq_agent_state_age_seconds"}, size=(7, 5)),
    state_lines("States of the agents", "Which state each agent was in. " + QUICK, {"{{node}}": AGENT_STATE}, AGENT_STATES),
    state_lines("VRRP", "keepalived's state at each node.", {"{{node}}": VRRP_STATE}, VRRP_STATES),
    graph("Mean of each part", "Mean duration of each part of a failover since the agent started.", "s",
          {"{{node}} {{phase}}": "tandemq_agent_failover_phase_seconds_sum / tandemq_agent_failover_phase_seconds_count"},
          limits((1, RED))),
    graph("Changes", "Of role and of pair state, in five minutes; tandemqctl history knows the causes.", "short",
          {"{{node}} role": "increase(tandemq_role_changes_total[5m])",
           "{{node}} pair state": "increase(tandemq_pair_state_changes_total[5m])"}, limits((10, YELLOW))),
    graph("Silence of the peer's agent", "Since it was heard, by path. It acts when all paths are silent for "
          "failover.silence_ms.", "s", {"{{node}} {{path}}": "tandemq_agent_peer_heard_age_seconds"}, limits((1, RED))),
    graph("Alarms", "What an operator should look at, in five minutes: alarms, addresses held twice, track files put right, "
          "datagrams that are not the peer's.", "short",
          {"{{node}} alarms": "increase(tandemq_agent_alarms_total[5m])",
           "{{node}} address held twice": "increase(tandemq_agent_vrrp_lower_priority_total[5m])",
           "{{node}} track file": "increase(tandemq_agent_track_file_repaired_total[5m])",
           "{{node}} datagrams": "sum by (node) (increase(tandemq_agent_datagrams_refused_total[5m]))"}, limits((1, YELLOW))),
    graph("Ticks that came late", "99th percentile of the agent's loop: high means a host without processor time.", "s",
          {"{{node}}": quantile(0.99, "tandemq_agent_tick_late_seconds")}, limits((0.1, RED)), size=(24, 7)),
])

REPLICATION = board("tandemq-storage", "TandeMQ: Replication and storage", "Between the hosts, and on their disks.", [
    stat("Link to the peer", "1 while it is up.", "none", {"{{node}}": "tandemq_peer_connected"}, GOOD_AT_1, mappings=YES),
    stat("Peer in sync", "1 where the peer holds all.", "none", {"{{node}}": "tandemq_peer_in_sync"},
         limits((1, GREEN), base=GREY), mappings=words({0: ("no", GREY), 1: ("yes", GREEN)})),
    stat("Resync", "Progress of a standby that is catching up.", "percentunit", {"{{node}}": "tandemq_resync_progress_ratio"},
         mappings=NONE),
    stat("Journal", "Its size; it grows while the peer is away, up to journal.bytes_max.", "bytes",
         {"{{node}}": "tandemq_journal_bytes"}, limits((3.2e9, YELLOW), (4e9, RED))),
    stat("Checkpoint", "Size of the checkpoint on disk.", "bytes", {"{{node}}": "tandemq_checkpoint_bytes"}),
    stat("Failures", "Checkpoints that failed since the broker's start.", "none", {"{{node}}": "tandemq_checkpoint_failures_total"},
         BAD_ABOVE_0, mappings=NONE),
    graph("Behind", "Records that the peer has not confirmed, while the link is up.", "short",
          {"{{node}}": "tandemq_replication_lag_records and on (pair, node) tandemq_peer_connected == 1"}, limits((10000, RED))),
    graph("Commit", "From the append of a batch to its commit by both hosts.", "s",
          {"{{node}} median": quantile(0.5, "tandemq_commit_latency_seconds"),
           "{{node}} 99 %": quantile(0.99, "tandemq_commit_latency_seconds")}, limits((0.1, RED))),
    graph("Link", "Bytes to and from the peer.", "Bps", {"{{node}} sent": rate("tandemq_link_sent_bytes_total"),
                                                          "{{node}} received": rate("tandemq_link_received_bytes_total")}),
    graph("Records", "Written, committed, and synced to disk, a second.", "recps",
          {"{{node}} last": slope("tandemq_last_lsn"), "{{node}} committed": slope("tandemq_committed_lsn"),
           "{{node}} synced": slope("tandemq_journal_synced_lsn")}),
    graph("Sync", "Length of the last fdatasync: a slow disk holds up commits where commit is replicated+synced.", "s",
          {"{{node}}": "tandemq_journal_last_sync_seconds"}, limits((0.5, RED))),
    graph("Syncs", "fdatasync calls of the journal.", "ops", {"{{node}}": rate("tandemq_journal_syncs_total")}),
    graph("Checkpoint", "Length of the last one, and the longest that its reading held up the loop.", "s",
          {"{{node}} last": "tandemq_checkpoint_last_seconds",
           "{{node}} longest slice": "tandemq_checkpoint_slice_longest_seconds"}),
    graph("Not in the checkpoint", "Records since the last one: what a start has to read.", "short",
          {"{{node}}": "tandemq_last_lsn - tandemq_checkpoint_lsn"}),
])

LOAD = board("tandemq-load", "TandeMQ: Broker load", "What comes in, what goes out, and what waits.", [
    graph("Messages in", "PUBLISH packets from clients, by QoS.", "mps",
          {"{{node}} QoS {{qos}}": rate("tandemq_messages_received_total", "node, qos")}),
    graph("Messages out", "PUBLISH packets to clients.", "mps", {"{{node}}": rate("tandemq_publishes_sent_total")}),
    graph("Deliveries put up", "For clients and their queues, by QoS.", "mps",
          {"{{node}} QoS {{qos}}": rate("tandemq_messages_delivered_total", "node, qos")}),
    graph("Bytes", "From and to clients.", "Bps", {"{{node}} in": rate("tandemq_client_received_bytes_total"),
                                                    "{{node}} out": rate("tandemq_client_sent_bytes_total")}),
    graph("Queued", "Deliveries that are not finished.", "short", {"{{node}}": "tandemq_queued_messages"}),
    graph("Queued bytes", "Memory of their messages, counted once a delivery.", "bytes", {"{{node}}": "tandemq_queued_bytes"}),
    graph("Dropped", "Messages that were not delivered, by reason.", "mps",
          {"{{reason}}": rate("tandemq_messages_dropped_total", "reason")}, limits((1, RED))),
    graph("Waiting for a commit", "Answers and messages held until both hosts have what they tell of.", "short",
          {"{{node}} packets": "tandemq_held_effects"}, limits((50000, RED))),
    graph("Turns of the loop", "How long a turn takes: everything else waits meanwhile.", "s",
          {"{{node}} median": quantile(0.5, "tandemq_turn_seconds"), "{{node}} 99 %": quantile(0.99, "tandemq_turn_seconds"),
           "{{node}} longest since start": "tandemq_turn_longest_seconds"}, limits((0.1, RED))),
    graph("Packets and sends", "Packets from clients, and send() calls to them.", "ops",
          {"{{node}} packets": rate("tandemq_packets_received_total"), "{{node}} sends": rate("tandemq_client_sends_total")}),
    graph("Retained", "Retained messages.", "short", {"{{node}}": "tandemq_retained_messages"}),
    graph("Wills and expired sessions", "In five minutes.", "short",
          {"{{node}} wills": "increase(tandemq_wills_published_total[5m])",
           "{{node}} sessions": "increase(tandemq_sessions_expired_total[5m])"}),
])

CLIENTS = board("tandemq-clients", "TandeMQ: Clients and access", "Who is there, who comes, who is refused.", [
    stat("Connections", "Open at each node.", "short", {"{{node}}": "tandemq_connections"}, size=(6, 4)),
    stat("Sessions", "With and without a connection.", "short", {"{{node}}": "tandemq_sessions"}, size=(6, 4)),
    stat("Subscriptions", "Of all sessions.", "short", {"{{node}}": "tandemq_subscriptions"}, size=(6, 4)),
    stat("First certificate ends", "Of the files of TLS listeners: certificates, authorities, revocation lists.", "s",
         {"{{node}}": "min by (node) (tandemq_certificate_not_after_seconds) - time()"},
         limits((172800, YELLOW), (1209600, GREEN), base=RED), size=(6, 4)),
    graph("Sessions", "All, and those with a connection.", "short",
          {"{{node}} all": "tandemq_sessions", "{{node}} connected": "tandemq_sessions_connected"}),
    graph("Connections", "Accepted by the kernel, logged in, and with a session that went on, a second.", "ops",
          {"{{node}} accepted": rate("tandemq_connections_accepted_total"), "{{node}} logged in": rate("tandemq_connects_total"),
           "{{node}} resumed": rate("tandemq_sessions_resumed_total")}),
    graph("Refused", "Connections that were refused: full, or wrong name or password.", "ops",
          {"{{node}} {{reason}}": rate("tandemq_connections_refused_total", "node, reason")}, limits((1, RED))),
    graph("Protocol errors and silent clients", "In five minutes.", "short",
          {"{{node}} errors": "increase(tandemq_protocol_errors_total[5m])",
           "{{node}} silent": "increase(tandemq_keep_alive_timeouts_total[5m])"}),
    graph("Waiting log-ins", "Clients whose log-in is not answered yet.", "short", {"{{node}}": "tandemq_logins_waiting"},
          limits((1000, RED))),
    graph("TLS handshakes", "By how they ended.", "ops",
          {"{{node}} {{result}}": rate("tandemq_tls_handshakes_total", "node, result")}),
])

HEADROOM = board("tandemq-headroom", "TandeMQ: Headroom", "What runs out first.", [
    row("Against the defaults; put your limits into the panels' maxima and thresholds"),
    bars("Connections", "Of 20,000 a listener by default (listener.connections_max).", "short", 20000,
         {"{{node}}": "tandemq_connections"}, limits((15000, YELLOW), (19000, RED))),
    bars("Journal", "Of 4 GiB by default (journal.bytes_max).", "bytes", 2**32, {"{{node}}": "tandemq_journal_bytes"},
         limits((3.2e9, YELLOW), (4e9, RED))),
    bars("Memory of queues", "Of all sessions; of one at most 256 MiB by default (limits.queued_bytes_max).", "bytes", 4e9,
         {"{{node}} queued": "tandemq_queued_bytes", "{{node}} retained": "tandemq_retained_bytes",
          "{{node}} unsent": "tandemq_unsent_bytes", "{{node}} held": "tandemq_held_bytes"},
         limits((1e9, YELLOW), (4e9, RED))),
    bars("Certificates end in", "Of each file of a TLS listener or the link; full: 90 days.", "s", 90 * 86400,
         {"{{node}} {{file}}": 'label_replace(tandemq_certificate_not_after_seconds, "file", "$1", "file", ".*/(.+)") - time()'},
         limits((172800, YELLOW), (1209600, GREEN), base=RED)),
    graph("Publishers not read", "1 while reading is paused because too much waits.", "none",
          {"{{node}}": "tandemq_reads_paused"}, limits((1, RED))),
    graph("Pauses of reading", "In five minutes.", "short", {"{{node}}": "increase(tandemq_reads_paused_total[5m])"},
          limits((1, YELLOW))),
    graph("Slow clients", "Bytes that they have not taken yet.", "bytes", {"{{node}}": "tandemq_unsent_bytes"}),
    graph("Age of the processes", "Since the broker's start.", "s", {"{{node}}": "tandemq_uptime_seconds"}),
])

ALL = (PAIR, FAILOVERS, REPLICATION, LOAD, CLIENTS, HEADROOM)


def main():
    for one in ALL:
        with open(os.path.join(sys.argv[1], one["uid"] + ".json"), "w", encoding="utf-8") as file:
            json.dump(one, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
