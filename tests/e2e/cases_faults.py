"""What befalls hosts: power, cables, disk, clock. Each under load; each leaves a whole pair."""
import time

from cases import case_list, journal
from hosts import WORK, compiled, expect, wait_until
from pair import Load

CASES, case = case_list()
FILLER = "/var/filler"
CLOCK = "/usr/lib/stepped_clock.so"   # in a folder from which the sandboxes let programs load
STEP = "/usr/lib/stepped_clock"


@case
def the_primarys_host_loses_power(pair):
    """What was not synced is gone with it."""
    old = pair.primary()
    load = Load(12).under_way(pair)
    old.sh("echo unsynced >/var/tmp/unsynced")
    old.cut_power()
    gap = load.finish()
    expect(pair.primary() is pair.other(old), "the other one serves")
    pair.expect_address_at(pair.other(old))
    old.boot()
    pair.wait_whole()
    kept = old.sh("cat /var/tmp/unsynced", check=False).stdout
    expect(kept == "", f"the cut was none: what was not synced is there: {kept}")
    return f"gap {gap:.0f} ms"


@case
def the_standbys_host_loses_power(pair):
    primary = pair.primary()
    load = Load(12).under_way(pair)
    pair.other(primary).cut_power()
    gap = load.finish()
    expect(pair.primary() is primary, "the primary goes on")
    pair.other(primary).boot()
    pair.wait_whole()
    return f"gap {gap:.0f} ms"


def without(pair, host, *networks):
    """Its cables of these networks are out for five seconds of a load; the gap."""
    load = Load(15).under_way(pair)
    for network in networks:
        host.cable(network, "down")
    time.sleep(5)
    for network in networks:
        host.cable(network, "up")
    gap = load.finish()
    pair.wait_whole()
    pair.expect_address_at(pair.primary())
    return f"gap {gap:.0f} ms"


@case
def the_service_cable_of_the_primary_is_out(pair):
    host = pair.primary()
    told = without(pair, host, "service")
    expect(pair.primary() is pair.other(host), "the other one serves")
    return told


@case
def the_replication_cable_is_out(pair):
    host = pair.primary()
    told = without(pair, host, "replica")
    expect(pair.primary() is host, "the primary goes on")
    return told


@case
def the_primary_is_cut_off_from_everything(pair):
    host = pair.primary()
    told = without(pair, host, "service", "replica")
    expect(pair.primary() is pair.other(host), "the other one serves")
    return told


@case
def the_standby_is_cut_off_from_everything(pair):
    primary = pair.primary()
    told = without(pair, pair.other(primary), "service", "replica")
    expect(pair.primary() is primary, "the primary goes on")
    return told


def with_a_full_disk(pair, host, serves):
    """For most of a load; then it is freed."""
    load = Load(15).under_way(pair)
    try:
        host.sh(f"fallocate -l $(df --output=avail -B1 / | tail -1) {FILLER} || true; dd if=/dev/zero bs=64k of={FILLER}.rest || true")
        gap = load.finish()
        expect(pair.primary() is serves, f"{serves.name} serves")
    finally:
        host.sh(f"rm {FILLER} {FILLER}.rest")
    expect("space" in journal(host, "tandemqd", "-1min"), "it says why it ended")
    pair.wait_whole()
    return f"gap {gap:.0f} ms"


@case
def the_primarys_disk_is_full_and_freed(pair):
    host = pair.primary()
    return with_a_full_disk(pair, host, pair.other(host))


@case
def the_standbys_disk_is_full_and_freed(pair):
    primary = pair.primary()
    return with_a_full_disk(pair, pair.other(primary), primary)


@case
def the_clock_of_a_host_is_stepped(pair):
    """By a library that changes what the daemons read: the hosts share the clock of this machine."""
    library = compiled("stepped_clock", WORK)
    settings = f"[Service]\nEnvironment=LD_PRELOAD={CLOCK} STEPPED_CLOCK={STEP}\n"
    for host in (pair.other(pair.primary()), pair.primary()):
        host.copy(library, CLOCK)
        host.write(STEP, "0\n")
        for unit in ("tandemqd", "tandemq-agent"):
            host.sh(f"mkdir -p /run/systemd/system/{unit}.service.d")
            host.write(f"/run/systemd/system/{unit}.service.d/clock.conf", settings)
        host.sh("systemctl daemon-reload; tandemqctl step-aside; systemctl restart tandemq-agent tandemqd")
        pair.wait_whole()
    primary = pair.primary()
    load = Load(20).under_way(pair)
    for host, step in ((primary, 3600), (pair.other(primary), -3600), (primary, -86400), (primary, 0)):
        time.sleep(3)
        host.write(STEP, f"{step}\n")
        if step == -3600:
            wait_until("the agents see that their clocks are two hours apart", lambda: abs(
                pair.status(primary)["peer"]["clock_ahead_ms"] + 7200000) < 10000, 5)
    gap = load.finish()
    expect(pair.primary() is primary, "nobody takes over")
    pair.wait_whole()
    for host in pair.hosts:
        host.sh(f"rm -r /run/systemd/system/tandemq*.d {CLOCK} {STEP}; systemctl daemon-reload")
    return f"gap {gap:.0f} ms"
