"""Each alert of packaging/monitoring: series at which it must fire, and others at which it must be silent, as `promtool test
rules` reads them (a value a minute)."""
import os
import re
import subprocess

RULES = "packaging/monitoring/prometheus/tandemq.rules.yml"
END = 30   # minutes that each series lasts
UP = 'up{job="tandemqd",pair="p",node="a"}'
AGENT_UP = 'up{job="tandemq-agent",pair="p",node="a"}'


def a(metric, **labels):
    inner = ",".join(f'{k}="{v}"' for k, v in {"pair": "p", "node": "a", **labels}.items())
    return f"{metric}{{{inner}}}"


def b(metric, **labels):
    return a(metric, node="b", **labels)


def always(value):
    return f"{value}x{END}"


PRIMARY, PRIMARY_B = a("tandemq_role", role="primary"), b("tandemq_role", role="primary")


def histogram(metric, slow):
    """A second's worth of observations a minute, all of them quick or all of them slow."""
    return {a(metric + "_bucket", le="0.01"): always("0+0") if slow else always("0+60"),
            a(metric + "_bucket", le="1"): always("0+60"), a(metric + "_bucket", le="+Inf"): always("0+60")}


def gauge(metric, fires, silent, **labels):
    return {a(metric, **labels): always(f"{fires}+0")}, {a(metric, **labels): always(f"{silent}+0")}


def state(name):
    """The primary in that pair state; a standby in it says nothing."""
    def series(role):
        return {a("tandemq_pair_state", state=name): always("1+0"), PRIMARY: always(f"{role}+0")}
    return series(1), series(0)


def behind(pair_state):
    return {a("tandemq_replication_lag_records"): always("20000+0"), PRIMARY: always("1+0"),
            a("tandemq_pair_state", state=pair_state): always("1+0")}


def grows(metric, fires="0+1", silent="5+0", **labels):
    return {a(metric, **labels): always(fires)}, {a(metric, **labels): always(silent)}


# name: (fires, silent)
ALERTS = {
    "NoPrimary": ({UP: always("0+0")}, {UP: always("1+0"), PRIMARY: always("1+0"), PRIMARY_B: always("0+0")}),
    "TwoPrimaries": ({PRIMARY: always("1+0"), PRIMARY_B: always("1+0")}, {PRIMARY: always("1+0"), PRIMARY_B: always("0+0")}),
    "Waiting": state("waiting"),
    "Solo": state("solo"),
    "BrokerDown": ({UP: always("0+0")}, {UP: always("1+0"), AGENT_UP: always("0+0")}),
    "AgentDown": ({AGENT_UP: always("0+0")}, {AGENT_UP: always("1+0"), UP: always("0+0")}),
    "FailoverWouldFail": gauge("tandemq_agent_impairments", 1, 0),
    # The first one of a cause is a new series; a switchover is nobody's alarm.
    "FailedOver": ({a("tandemq_agent_failovers_total", cause="peer_silent"): "_x25 1+0x5"},
                   {a("tandemq_agent_failovers_total", cause="peer_silent"): always("3+0"),
                    a("tandemq_agent_failovers_total", cause="switchover"): "_x25 1+0x5"}),
    "RolesFlap": grows("tandemq_role_changes_total"),
    "KeepalivedDown": gauge("tandemq_agent_up", 0, 1, part="keepalived"),
    "PathSilent": ({a("tandemq_agent_peer_heard_age_seconds", path="x"): always("-1+0")},
                   {a("tandemq_agent_peer_heard_age_seconds", path="x"): always("0.1+0")}),
    "AddressHeldTwice": grows("tandemq_agent_vrrp_lower_priority_total"),
    "PeerRefused": gauge("tandemq_peer_refused", 1, 0),
    "LoginServerAway": gauge("tandemq_http_auth_up", 0, 1, url="https://x/y"),
    "SettingsDiffer": gauge("tandemq_agent_settings_differ", 2, 0),
    "VersionsDiffer": ({a("tandemq_build_info", version="1"): "1+0x90", b("tandemq_build_info", version="2"): "1+0x90"},
                       {a("tandemq_build_info", version="1"): "1+0x90", b("tandemq_build_info", version="1"): "1+0x90"}),
    "Quarantined": gauge("tandemq_quarantined_records_total", 7, 0),
    "AcknowledgedLost": gauge("tandemq_acknowledged_lost_records_total", 7, 0),
    "Behind": (behind("paired"), behind("solo")),
    "ResyncLong": state("resyncing"),
    "DiskSlow": gauge("tandemq_journal_last_sync_seconds", 1, 0.01),
    "JournalLarge": gauge("tandemq_journal_bytes", 3900000000, 900000000),
    "CheckpointFails": grows("tandemq_checkpoint_failures_total"),
    "PublishersPaused": gauge("tandemq_reads_paused", 1, 0),
    "QueuesFull": ({a("tandemq_messages_dropped_total", reason="queue_full"): always("0+60")},
                   {a("tandemq_messages_dropped_total", reason="expired"): always("0+60")}),
    "LoopSlow": (histogram("tandemq_turn_seconds", True), histogram("tandemq_turn_seconds", False)),
    "HostStalls": (histogram("tandemq_agent_tick_late_seconds", True), histogram("tandemq_agent_tick_late_seconds", False)),
    "LoginsRefused": grows("tandemq_connections_refused_total", "0+120", reason="authentication"),
    # promtool's clock begins at 0.
    "CertificateEnds": gauge("tandemq_certificate_not_after_seconds", 86400, 8640000, file="x"),
}


def one_test(alert, series, fires):
    inputs = "".join(f"      - {{series: '{name}', values: '{values}'}}\n" for name, values in series.items())
    minutes = max(int(re.findall(r"x(\d+)", values)[-1]) for values in series.values())
    return (f"  - interval: 1m\n    input_series:\n{inputs}    promql_expr_test:\n"
            f"      - expr: count(ALERTS{{alertname=\"Tandemq{alert}\",alertstate=\"firing\"}}) or vector(0)\n"
            f"        eval_time: {minutes if minutes > 5 else END}m\n"
            f"        exp_samples: [{{labels: '{{}}', value: {int(fires)}}}]\n")


def check(root, folder):
    """Sentences about what is wrong."""
    with open(os.path.join(root, RULES), encoding="utf-8") as file:
        known = set(re.findall(r"- alert: Tandemq(\w+)", file.read()))
    wrong = [f"{RULES}: Tandemq{name} is not tried by tests/ops/check_alerts.py" for name in sorted(known - set(ALERTS))]
    wrong += [f"tests/ops/check_alerts.py: there is no alert Tandemq{name}" for name in sorted(set(ALERTS) - known)]
    path = os.path.join(folder, "alerts.test.yml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"rule_files: [{os.path.join(root, RULES)}]\nevaluation_interval: 1m\ntests:\n")
        for alert, (fires, silent) in ALERTS.items():
            file.write(one_test(alert, fires, True) + one_test(alert, silent, False))
    for words in (["check", "rules", os.path.join(root, RULES)], ["test", "rules", path]):
        done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
        if done.returncode:
            wrong.append(f"promtool {' '.join(words[:2])}: {(done.stdout + done.stderr)[-3000:]}")
    return wrong
