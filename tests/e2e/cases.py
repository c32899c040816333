"""What is tried on the two hosts, in this order; each case leaves a whole pair, but for the first and
the last ones, which install and remove it. A case returns what is worth telling, often the longest gap."""
import re
import time

from hosts import expect, wait_until
from pair import Load

EVERYTHING = "tandemq-broker tandemq-failover tandemq-tools"
APT = "apt-get -qq -y -o Dpkg::Use-Pty=0"
# What changes by itself, or belongs to apt and dpkg.
VOLATILE = ("/proc /sys /run /dev /tmp /var/tmp /var/lib/dpkg /var/lib/apt /var/cache /var/log/journal /var/log/apt /var/log/dpkg.log /srv/packages "
            "/var/lib/systemd /etc/passwd /etc/group /etc/shadow /etc/gshadow")


def case_list():
    """A list of cases, and the decorator that puts one into it."""
    cases = []

    def case_of_it(function):
        cases.append(function)
        return function
    return cases, case_of_it


CASES, case = case_list()


def files(host):
    pruned = " -o ".join(f"-path {p}" for p in VOLATILE.split())
    return set(host.sh(rf"find / \( {pruned} \) -prune -o -print").stdout.split("\n"))


def install(host, what, version=None):
    """apt's whole output."""
    wanted = " ".join(f"{p}={version}" if version else p for p in what.split())
    return host.sh(f"{APT} install --allow-downgrades {wanted} 2>&1", seconds=180).stdout


def versions(host):
    """From the oldest."""
    out = host.sh(f"{APT} update && apt-cache madison tandemq-broker").stdout
    return sorted({line.split("|")[1].strip() for line in out.splitlines()})


def journal(host, unit, since="-1h", more=""):
    return host.sh(f"journalctl -u {unit} --since={since} -o cat --no-pager {more}").stdout


def pid(host, unit="tandemqd"):
    return host.sh(f"systemctl show -P MainPID {unit}").stdout.strip()


@case
def a_broker_by_itself_explains_itself(pair):
    for host in pair.hosts:
        host.before = files(host)
        install(host, "tandemq-broker tandemq-tools", versions(host)[0])
        expect(host.sh("systemctl is-active tandemqd").stdout.strip() == "active", "it runs")
        told = journal(host, "tandemqd")
        expect("127.0.0.1:1883 is for everyone on this host" in told, f"it says what it is: {told}")
        expect("by itself" in host.sh("tandemqctl status").stdout, "status does not alarm")
        ports = host.sh("ss -Hltn || cat /proc/net/tcp").stdout
        expect("0.0.0.0:1883" not in ports, f"it listens for others: {ports}")
        mode = host.sh("stat -c '%U:%G %a' /etc/tandemq/tandemqd.toml").stdout.strip()
        expect(mode == "root:tandemq 640", mode)


@case
def removed_and_purged_nothing_is_left(pair):
    host = pair.hosts[0]
    host.sh(f"{APT} remove tandemq-broker")
    expect(host.sh("pidof tandemqd", check=False).stdout == "", "it is stopped")
    expect(host.sh("ls /etc/tandemq/tandemqd.toml /var/lib/tandemq/single").returncode == 0,
           "configuration and data stay until they are purged")
    host.sh(f"{APT} purge tandemq-broker tandemq-tools")
    left = files(host) - host.before
    expect(not left, f"purge leaves {sorted(left)[:20]}")
    install(host, "tandemq-broker tandemq-tools", versions(host)[0])


@case
def two_hosts_become_a_pair(pair):
    begun = time.monotonic()
    for host in pair.hosts:
        install(host, EVERYTHING, versions(host)[0])
        state = host.sh("systemctl is-active tandemq-agent", check=False).stdout.strip()
        expect(state == "inactive", f"an agent without a configuration is {state}")
    pair.configure()
    pair.start()
    pair.expect_address_at(pair.primary())
    Load(2).finish()
    return f"{time.monotonic() - begun:.0f} s from the packages to the pair"


def survive_a_kill(pair):
    old = pair.primary()
    load = Load(5)
    time.sleep(2)
    old.sh("systemctl kill -s KILL tandemqd")
    gap = load.finish()
    pair.wait_whole()
    expect(pair.primary() is pair.other(old), "the other one serves")
    pair.expect_address_at(pair.other(old))
    return f"gap {gap:.0f} ms"


@case
def primary_broker_killed(pair):
    return survive_a_kill(pair)


@case
def stopping_the_primary_is_a_switchover(pair):
    old = pair.primary()
    load = Load(6)
    time.sleep(2)
    old.sh("systemctl stop tandemqd")
    expect("event=handed_over done=true" in journal(old, "tandemqd", "-20s"), "it hands over")
    gap = load.finish()
    expect(pair.primary() is pair.other(old), "the other one serves")
    old.sh("systemctl start tandemqd")
    pair.wait_whole()
    return f"gap {gap:.0f} ms"


@case
def a_reload_that_would_fail_changes_nothing(pair):
    host = pair.primary()
    before = pid(host)
    host.sh("systemctl reload tandemqd")
    host.sh("cp -a /etc/tandemq/tandemqd.toml /var/tmp/kept.toml; echo 'nonsense = 1' >>/etc/tandemq/tandemqd.toml")
    expect(host.sh("systemctl reload tandemqd", check=False).returncode != 0, "reload fails")
    expect("nonsense" in journal(host, "tandemqd", "-20s"), "the journal says why")
    expect(pid(host) == before, "the daemon goes on")
    host.sh("cp -a /var/tmp/kept.toml /etc/tandemq/tandemqd.toml")
    pair.wait_whole()


@case
def a_wrong_configuration_is_told_once(pair):
    host = pair.other(pair.primary())
    host.sh("cp -a /etc/tandemq/tandemqd.toml /var/tmp/kept.toml; echo 'nonsense = 1' >>/etc/tandemq/tandemqd.toml")
    expect(host.sh("systemctl restart tandemqd", check=False).returncode != 0, "start fails")
    time.sleep(2)
    told = journal(host, "tandemqd", "-20s")
    expect(told.count("nonsense") == 1, f"one sentence, no loop: {told}")
    expect(host.sh("systemctl is-failed tandemqd", check=False).stdout.strip() == "failed", "failed")
    host.sh("cp -a /var/tmp/kept.toml /etc/tandemq/tandemqd.toml; systemctl start tandemqd")
    pair.wait_whole()


@case
def a_hung_broker_is_ended_by_the_watchdog(pair):
    """The agent is quicker where it lives; this is what remains without it."""
    host = pair.other(pair.primary())
    host.sh("systemctl stop tandemq-agent")
    before = pid(host)
    host.sh("systemctl kill -s STOP tandemqd")
    wait_until("systemd starts it again", lambda: pid(host) not in (before, "0"), 40)
    host.sh("systemctl start tandemq-agent")
    pair.wait_whole()


@case
def the_sandbox_forbids_nothing_that_is_done(pair):
    """Not only that nothing complains: the daemons' own logs would name what was refused."""
    for host in pair.hosts:
        for unit in ("tandemqd", "tandemq-agent", "keepalived"):
            told = journal(host, unit)
            refused = [line for line in told.splitlines()
                       if re.search("not permitted|denied|read-only file", line, re.I)]
            expect(not refused, f"{host.name} {unit}: {refused[:5]}")
        policy = host.sh("grep -h NoNewPrivs /proc/$(systemctl show -P MainPID keepalived)/status")
        expect(policy.stdout.split()[-1] == "1", "keepalived has its settings")


@case
def the_primarys_host_reboots(pair):
    old = pair.primary()
    load = Load(10)
    time.sleep(2)
    old.sh("systemctl reboot", check=False)
    gap = load.finish()
    expect(pair.primary() is pair.other(old), "the other one serves")
    old.wait_up()
    pair.wait_whole()
    told = journal(old, "tandemqd", "-2min")
    expect("event=handed_over done=true" in told, f"it handed over before it went: {told[-1500:]}")
    return f"gap {gap:.0f} ms"


@case
def both_hosts_are_upgraded_by_apt(pair):
    newer = versions(pair.hosts[0])[1]
    old = pair.primary()
    standby = pair.other(old)
    edited = standby.sh("md5sum /etc/tandemq/*").stdout
    load = Load(40, rate=500)
    time.sleep(2)
    before = {h: (pid(h), pid(h, "tandemq-agent")) for h in pair.hosts}
    out = install(standby, EVERYTHING, newer)
    expect("NOT restarted" not in out, out)
    out = install(old, EVERYTHING, newer)
    expect("NOT restarted" not in out and "the peer takes over" in out, out)
    pair.wait_whole()
    gap = load.finish()
    for host in pair.hosts:
        now = (pid(host), pid(host, "tandemq-agent"))
        expect(all(a != b for a, b in zip(now, before[host])), f"{host.name} runs the new programs")
    expect(pair.primary() is standby, "one change of roles")
    expect(standby.sh("md5sum /etc/tandemq/*").stdout == edited, "what was edited stays")
    return f"gap {gap:.0f} ms"


@case
def a_primary_without_its_standby_is_not_restarted(pair):
    newest = versions(pair.hosts[0])[2]
    host = pair.primary()
    pair.other(host).sh("systemctl stop tandemqd")
    before = pid(host)
    out = install(host, EVERYTHING, newest)
    expect("NOT restarted" in out and "step-aside" in out, f"apt says why and what to do: {out}")
    expect(pid(host) == before, "it serves on")
    pair.other(host).sh("systemctl start tandemqd")
    pair.wait_whole()
    host.sh("dpkg-reconfigure tandemq-broker 2>&1 || true")   # as does an upgrade that is run again
    expect(pid(host) != before, "now it is restarted")
    pair.wait_whole()
    install(pair.other(host), EVERYTHING, newest)
    pair.wait_whole()


@case
def an_upgrade_that_was_interrupted_is_finished(pair):
    """Power or patience went between unpacking and configuring."""
    host = pair.other(pair.primary())
    older = versions(host)[1]
    before = pid(host)
    host.sh(f"dpkg --unpack $(ls /srv/packages/tandemq-*_{older}_*.deb | grep -v bench) 2>&1", seconds=120)
    expect(pid(host) == before, "what runs goes on")
    host.sh("dpkg --configure -a 2>&1", seconds=120)
    expect(pid(host) != before, "then it is restarted")
    pair.wait_whole()


@case
def both_hosts_are_downgraded(pair):
    oldest = versions(pair.hosts[0])[0]
    load = Load(40, rate=500)
    time.sleep(2)
    for host in (pair.other(pair.primary()), pair.primary()):
        out = install(host, EVERYTHING, oldest)
        expect("NOT restarted" not in out, out)
        pair.wait_whole()
    return f"gap {load.finish():.0f} ms"


@case
def needrestart_leaves_the_daemons_alone(pair):
    host = pair.primary()
    before = pid(host), pid(host, "tandemq-agent"), pid(host, "keepalived")
    host.sh("touch /usr/lib/x86_64-linux-gnu/libevent_core-2.1.so.7; needrestart -r a 2>&1", check=False)
    expect((pid(host), pid(host, "tandemq-agent"), pid(host, "keepalived")) == before, "untouched")


@case
def packages_of_the_primary_are_removed_and_installed_again(pair):
    old = pair.primary()
    load = Load(25, rate=500)
    time.sleep(2)
    old.sh(f"{APT} remove tandemq-broker tandemq-failover 2>&1", seconds=120)
    expect(old.sh("pidof tandemqd tandemq-agent keepalived", check=False).stdout == "",
           "all is stopped: without an agent no address is held")
    expect(pair.primary() is pair.other(old), "the other one serves")
    install(old, EVERYTHING, versions(old)[0])
    old.sh("systemctl start keepalived")
    pair.wait_whole()
    return f"gap {load.finish():.0f} ms"


@case
def purged_nothing_is_left_but_users(pair):
    for host in pair.hosts:
        host.sh(f"{APT} purge {EVERYTHING} 2>&1", seconds=120)
        left = files(host) - host.before
        expect(not left, f"{host.name}: purge leaves {sorted(left)[:20]}")
