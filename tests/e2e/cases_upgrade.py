"""The packages of a pair upgraded, downgraded, removed, and in the end purged."""

from cases import APT, EVERYTHING, case_list, files, install, pid, versions
from hosts import expect
from pair import Load

CASES, case = case_list()


PIN = "/etc/apt/preferences.d/release"


def apt_upgrade(host, version):
    """Plainly; the version is the newest that apt sees."""
    host.write(PIN, f"Package: tandemq-*\nPin: version {version}\nPin-Priority: 900\n")
    out = host.sh(f"{APT} update && {APT} upgrade 2>&1; rm {PIN}", seconds=180).stdout
    now = host.sh("dpkg-query -W -f '${Version} ' tandemq-broker tandemq-failover tandemq-tools").stdout.split()
    expect(now == [version] * 3, f"{host.name} has {now}: {out}")
    return out


@case
def both_hosts_are_upgraded_by_apt(pair):
    newer = versions(pair.hosts[0])[1]
    old = pair.primary()
    standby = pair.other(old)
    edited = standby.sh("md5sum /etc/tandemq/*").stdout
    load = Load(rate=500).under_way(pair)
    before = {h: (pid(h), pid(h, "tandemq-agent")) for h in pair.hosts}
    out = apt_upgrade(standby, newer)
    expect("NOT restarted" not in out, out)
    out = apt_upgrade(old, newer)
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
    host.sh(f"dpkg --unpack $(ls /srv/packages/tandemq-*_{older}_*.deb | grep -v 'bench\|monitoring') 2>&1", seconds=120)
    expect(pid(host) == before, "what runs goes on")
    host.sh("dpkg --configure -a 2>&1", seconds=120)
    expect(pid(host) != before, "then it is restarted")
    pair.wait_whole()


@case
def both_hosts_are_downgraded(pair):
    oldest = versions(pair.hosts[0])[0]
    load = Load(rate=500).under_way(pair)
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
    load = Load(rate=500).under_way(pair)
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
