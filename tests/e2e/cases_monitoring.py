"""Prometheus on a third host, set up by the playbook: every panel shows something after a kill, and the alerts tell."""
import json
import os
import sys
import time
import urllib.parse

from cases import case_list, versions
from hosts import CLIENT, ROOT, Host, expect, inside, run, wait_until
from pair import Load
from playbook import MONITOR

sys.path.insert(0, os.path.join(ROOT, "packaging", "monitoring"))
import boards  # noqa: E402

CASES, case = case_list()
CHOSEN = {"$agent_job": "tandemq-agent", "$job": "tandemqd", "$pair": "e2e", "$__rate_interval": "20s", "$__interval": "15s"}
# What a pair has no series of until it happens, and the case does not make happen.
MAY_BE_EMPTY = {"increase(tandemq_agent_datagrams_refused_total"}


def ask(path, **arguments):
    url = f"http://10.99.0.13:9090/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
    return json.loads(run(*inside(CLIENT, "curl", "-sS", url)).stdout)["data"]


def firing():
    return {alert["labels"]["alertname"] for alert in ask("alerts")["alerts"] if alert["state"] == "firing"}


def series_since(begun, expression):
    for name, value in CHOSEN.items():
        expression = expression.replace(name, value)
    return ask("query_range", query=expression, start=begun, end=time.time(), step=2)["result"]


@case
def a_third_host_watches_them(pair):
    monitor = Host(3, pair.image)
    pair.more.append(monitor)
    monitor.boot()
    pair.controller.authorize(monitor)
    pair.controller.play("site", *MONITOR)
    _, changed = pair.controller.play("site", *MONITOR)
    expect(set(changed.values()) == {0}, f"a second run changes nothing: {changed}")
    wait_until("all four are scraped", lambda: len(
        [t for t in ask("targets")["activeTargets"] if t["health"] == "up"]) == 4, 60)
    wait_until("nothing fires", lambda: not firing() - {"TandemqFailedOver"}, 90)


@case
def every_panel_shows_something_after_a_kill(pair):
    begun = time.time()
    load = Load(40).under_way(pair, 15)
    old = pair.primary()
    old.sh("systemctl kill -s KILL tandemqd")
    wait_until("the failover is told", lambda: "TandemqFailedOver" in firing(), 30)
    gap = load.finish()
    pair.wait_whole()
    time.sleep(10)
    empty = []
    asked = 0
    for board in boards.ALL:
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                asked += 1
                found = series_since(begun, target["expr"])
                if not found and not any(word in target["expr"] for word in MAY_BE_EMPTY):
                    empty.append(f"{board['title']}, {panel['title']}: {target['expr']}")
    expect(not empty, "\n".join(empty))
    rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
    sick = [rule["name"] for rule in rules if rule["health"] != "ok"]
    expect(len(rules) > 30 and not sick, f"{len(rules)} rules, not well: {sick}")
    return f"{asked} expressions, {len(rules)} rules, gap {gap:.0f} ms"


@case
def an_alert_fires_while_a_node_is_gone(pair):
    standby = pair.other(pair.primary())
    standby.sh("systemctl stop tandemqd")
    wait_until("it is told", lambda: {"TandemqSolo", "TandemqBrokerDown"} <= firing(), 150)
    standby.sh("systemctl start tandemqd")
    pair.wait_whole()
    wait_until("it is over", lambda: not firing() & {"TandemqSolo", "TandemqBrokerDown"}, 60)


@case
def upgrade_yml_upgrades_what_watches_as_well(pair):
    newest = versions(pair.hosts[0])[2]
    load = Load(rate=300).under_way(pair)
    pair.controller.play("upgrade", *MONITOR, "-e", f"tandemq_version={newest}")
    gap = load.finish()
    for host, package in [(host, "tandemq-broker") for host in pair.hosts] + [(pair.more[0], "tandemq-monitoring")]:
        now = host.sh(f"dpkg-query -W -f '${{Version}}' {package}").stdout
        expect(now == newest, f"{host.name} has {package} {now}")
    wait_until("the rules are good", lambda: all(
        rule["health"] == "ok" for group in ask("rules")["groups"] for rule in group["rules"]), 60)
    pair.wait_whole()
    return f"gap {gap:.0f} ms"
