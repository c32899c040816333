"""The playbooks on the two hosts, bare at first; each case leaves a whole pair."""
import os
import re
import subprocess
import time

from cases import EVERYTHING, case_list, files, pid, survive_a_kill, versions
from hosts import CLIENT, PACKAGES, VIRTUAL_IP, expect, inside, run
from pair import Load
from playbook import CONTROLLER, MONITOR, Controller

CASES, case = case_list()


@case
def the_playbook_makes_two_bare_hosts_a_pair(pair):
    for host in pair.hosts:
        expect(host.sh("ls /usr/sbin/tandemqd", check=False).returncode != 0, "the host is bare")
    pair.controller = Controller(pair.hosts, PACKAGES)
    before = [files(host) for host in pair.hosts]
    pair.controller.play("site", "--check", "--diff")
    for host, had in zip(pair.hosts, before):
        made = {path for path in files(host) - had if "/.ansible" not in path}
        expect(not made, f"--check makes {sorted(made)[:10]}")
    begun = time.monotonic()
    pair.controller.play("site", "-e", f"tandemq_version={versions(pair.hosts[0])[0]}")
    took = time.monotonic() - begun
    pair.wait_whole()
    pair.expect_address_at(pair.primary())
    Load(2).finish()
    return f"{took:.0f} s"


@case
def a_second_run_changes_nothing(pair):
    before = [pid(host, unit) for host in pair.hosts for unit in ("tandemqd", "tandemq-agent", "keepalived")]
    for options in ((), ("--check", "--diff")):
        out, changed = pair.controller.play("site", *options)
        expect(changed == {"h1": 0, "h2": 0}, f"{options}: {changed} {out[-1500:]}")
    now = [pid(host, unit) for host in pair.hosts for unit in ("tandemqd", "tandemq-agent", "keepalived")]
    expect(now == before, "nothing is restarted")


@case
def what_is_wrong_with_a_host_is_named_before_anything_is_touched(pair):
    h1 = pair.hosts[0]
    before = files(h1)
    h1.sh("cp -a /etc/keepalived/keepalived.conf /var/tmp/kept.conf; echo '# by hand' >/etc/keepalived/keepalived.conf")
    out, changed = pair.controller.play("site", "-e", "tandemq_interface=eth9", "-e", "tandemq_acl_file=/nowhere/acl",
                                        check=False)
    for sentence in ("it has no interface eth9", "keepalived.conf was not written by tandemq-agent",
                     "/nowhere/acl is not there"):
        expect(sentence in out, f"{sentence}: {out[-1500:]}")
    expect(changed == {"h1": 0, "h2": 0}, str(changed))
    h1.sh("mv /var/tmp/kept.conf /etc/keepalived/keepalived.conf")
    expect({path for path in files(h1) - before if "/.ansible" not in path} == set(), "untouched")
    pair.wait_whole()


@case
def a_pair_of_the_playbook_survives_a_kill(pair):
    return survive_a_kill(pair)


@case
def a_change_of_settings_costs_one_switchover(pair):
    old = pair.primary()
    before = {host: pid(host) for host in pair.hosts}
    load = Load(rate=300).under_way(pair)
    pair.controller.change("tandemq_broker_settings: {", "tandemq_broker_settings: {limits: {topic_alias_maximum: 20}, ")
    pair.controller.play("site")
    gap = load.finish()
    for host in pair.hosts:
        expect(pid(host) != before[host], f"{host.name} has the new settings")
    expect(pair.primary() is pair.other(old), "one change of roles")
    pair.wait_whole()
    return f"gap {gap:.0f} ms"


@case
def upgrade_yml_loses_nothing(pair):
    newer = versions(pair.hosts[0])[1]
    before = {host: (pid(host), pid(host, "tandemq-agent")) for host in pair.hosts}
    load = Load(rate=300).under_way(pair)
    begun = time.monotonic()
    pair.controller.play("upgrade", "-e", f"tandemq_version={newer}")
    took = time.monotonic() - begun
    gap = load.finish()
    for host in pair.hosts:
        now = pid(host), pid(host, "tandemq-agent")
        expect(all(a != b for a, b in zip(now, before[host])), f"{host.name} runs the new programs")
    pair.wait_whole()
    return f"{took:.0f} s, gap {gap:.0f} ms"


@case
def an_upgrade_of_half_a_pair_is_refused(pair):
    standby = pair.other(pair.primary())
    standby.sh("systemctl stop tandemqd")
    out, _ = pair.controller.play("upgrade", check=False)
    expect("the pair is not whole" in out and "nothing was touched" in out, out[-1500:])
    expect(standby.sh("systemctl is-active tandemqd", check=False).stdout.strip() == "inactive", "untouched")
    standby.sh("systemctl start tandemqd")
    pair.wait_whole()


@case
def an_empty_host_takes_the_place_of_one_that_is_gone(pair):
    gone = pair.primary()
    out, _ = pair.controller.play("replace-host", "-e", f"replaced={gone.name}", check=False)
    expect("it does not serve" in out or "it has data of its own" in out, out[-1500:])
    load = Load(rate=300).under_way(pair)
    gone.sh(f"apt-get -qq -y purge {EVERYTHING} && rm -rf /etc/tandemq /etc/systemd/system/tandemq-firewall.service && "
            "nft flush ruleset", seconds=120)
    newer = versions(pair.other(gone))[1]
    pair.controller.play("replace-host", "-e", f"replaced={gone.name}", "-e", f"tandemq_version={newer}")
    gap = load.finish()
    pair.wait_whole()
    expect(pair.primary() is pair.other(gone), "the other one serves")
    return f"gap {gap:.0f} ms"


@case
def certificates_are_made_handed_out_and_changed(pair):
    folder = CONTROLLER
    pair.controller.play("certificates", *MONITOR)
    pair.controller.play("site", *MONITOR, "--limit", "tandemq")
    first = shown(folder)
    _, changed = pair.controller.play("certificates", *MONITOR)
    expect(changed == {"h1": 0, "h2": 0}, f"again: {changed}")
    os.remove(os.path.join(folder, "server.pem"))
    before = [pid(host) for host in pair.hosts]
    pair.controller.play("certificates", *MONITOR)
    expect(shown(folder) != first, "clients are shown the new one")
    expect([pid(host) for host in pair.hosts] == before, "without a restart")
    pair.wait_whole()


def shown(folder):
    """The certificate at the virtual address, which the authority must have signed for it."""
    done = run(*inside(CLIENT, "openssl", "s_client", "-connect", f"{VIRTUAL_IP}:8883", "-CAfile", f"{folder}/ca.pem",
                       "-verify_return_error", "-verify_ip", VIRTUAL_IP), stdin=subprocess.DEVNULL)
    return re.search(r"-----BEGIN CERTIFICATE-----.*?-----END", done.stdout, re.S).group(0)
