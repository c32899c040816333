"""The packages installed, and the daemons under systemd. Cases are tried in their order in the file; each leaves a whole
pair, but for the first ones, which install it. A case returns what is worth telling, often the longest gap."""
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
    load = Load(5).under_way(pair)
    old.sh("systemctl kill -s KILL tandemqd")
    gap = load.finish()
    pair.wait_whole()
    expect(pair.primary() is pair.other(old), "the other one serves")
    pair.expect_address_at(pair.other(old))
    return f"gap {gap:.0f} ms"


@case
def primary_broker_killed(pair):
    return survive_a_kill(pair)


def primary_goes_on(pair, *orders):
    """What befalls its standby costs clients a gap at most; `orders` are told to the standby, a second apart."""
    primary = pair.primary()
    load = Load().under_way(pair)
    for order in orders:
        pair.other(primary).sh(order, check=False)
        time.sleep(1)
    pair.wait_whole()
    gap = load.finish()
    expect(pair.primary() is primary, "the primary goes on")
    pair.expect_address_at(primary)
    return f"gap {gap:.0f} ms"


@case
def standbys_broker_killed(pair):
    return primary_goes_on(pair, "systemctl kill -s KILL tandemqd")


@case
def standby_stopped_and_started(pair):
    return primary_goes_on(pair, "systemctl stop tandemqd", "systemctl start tandemqd")


@case
def the_standbys_host_reboots(pair):
    return primary_goes_on(pair, "systemctl reboot")


@case
def both_agents_killed(pair):
    """Nobody watches for a moment; what serves goes on."""
    primary = pair.primary()
    load = Load(8).under_way(pair)
    for host in pair.hosts:
        host.sh("systemctl kill -s KILL tandemq-agent")
    gap = load.finish()
    pair.wait_whole()
    expect(pair.primary() is primary, "the primary goes on")
    return f"gap {gap:.0f} ms"


@case
def the_primarys_keepalived_killed(pair):
    """The address goes with it, and never to two hosts."""
    old = pair.primary()
    load = Load(8).under_way(pair)
    old.sh("systemctl kill -s KILL keepalived")
    gap = load.finish()
    pair.wait_whole()
    pair.expect_address_at(pair.primary())
    return f"gap {gap:.0f} ms"


@case
def stopping_the_primary_is_a_switchover(pair):
    old = pair.primary()
    load = Load(6).under_way(pair)
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
        seen = host.sh("cd /proc/$(systemctl show -P MainPID tandemq-agent)/root && ls var/lib").stdout.split()
        expect(seen == ["tandemq-agent"], f"the agent sees {seen}, of which the broker's data is no business of its")


@case
def the_primarys_host_reboots(pair):
    old = pair.primary()
    load = Load(10).under_way(pair)
    old.sh("systemctl reboot", check=False)
    gap = load.finish()
    expect(pair.primary() is pair.other(old), "the other one serves")
    old.wait_up()
    pair.wait_whole()
    told = journal(old, "tandemqd", "-2min")
    expect("event=handed_over done=true" in told, f"it handed over before it went: {told[-1500:]}")
    return f"gap {gap:.0f} ms"
