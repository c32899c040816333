"""Both nodes down and up again, and what a stale node must not do."""
import signal
import subprocess
import time

from registry import case
from testbed import VIRTUAL_IP, expect, in_node, peer_of

MESSAGES = 500


def mosquitto(tool, *arguments):
    return in_node("client", f"mosquitto_{tool}", "-h", VIRTUAL_IP, "-V", "mqttv5", *arguments)


class AbsentSubscriber:
    """A persistent session that is away while messages for it are acknowledged."""

    def __init__(self, messages=MESSAGES):
        self.messages = messages
        self.sub = mosquitto("sub", "-i", "absent", "-q", "1", "-t", "absent/#", "-c", "-x", "3600")
        subprocess.run(self.sub + ["-E"], check=True, timeout=20)

    def publish(self):
        """mosquitto_pub returns when the broker has acknowledged all."""
        lines = "".join(f"{i}\n" for i in range(self.messages))
        subprocess.run(mosquitto("pub", "-q", "1", "-t", "absent/x", "-l"), input=lines, text=True,
                       check=True, timeout=60)

    def expect_all(self):
        done = subprocess.run(self.sub + ["-C", str(self.messages), "-W", "20"], capture_output=True,
                              text=True, check=False, timeout=60)
        got = [int(line) for line in done.stdout.split()]
        missing = sorted(set(range(self.messages)) - set(got))
        expect(not missing, f"{len(missing)} of {self.messages} acknowledged messages are gone: "
               f"{missing[:10]}")
        expect(got == sorted(got), "the queued messages came out of order")


def all_down_and_up(bed, first, second, pause_s):
    """Power off both hosts, then the given order; the subscriber's messages must all be there."""
    absent = AbsentSubscriber()
    absent.publish()
    for node in ("a", "b"):
        bed.lab("kill", node, "host")
    for node in (first, second):
        power_on(bed, node)
        time.sleep(pause_s)
    bed.lab("wait", "30")
    absent.expect_all()
    return bed.load(seconds=3).finish()


def power_on(bed, node):
    bed.lab("plug", node)
    bed.lab("start", node, "all")


@case("both hosts off, a first back, then b", options=())
def all_down_a_first(bed):
    return all_down_and_up(bed, "a", "b", 1.5)


@case("both hosts off, b first back, then a")
def all_down_b_first(bed):
    return all_down_and_up(bed, "b", "a", 1.5)


@case("both hosts off, both back at once")
def all_down_together(bed):
    return all_down_and_up(bed, "a", "b", 0)


@case("both hosts off while paired, one returns: it waits for the operator")
def lone_return_waits(bed):
    old = bed.primary()
    absent = AbsentSubscriber()
    absent.publish()
    for node in ("a", "b"):
        bed.lab("kill", node, "host")
    power_on(bed, old)
    bed.wait("the broker answers", 10, lambda: bed.status(old) is not None)
    bed.stays("a node that was paired does not serve alone", 3,
              lambda: bed.status(old)["role"] == "standby")
    bed.lab("exec", old, "tandemqctl", "promote")
    bed.wait_role(old, "primary", 15)
    power_on(bed, peer_of(old))
    bed.lab("wait", "30")
    absent.expect_all()
    return bed.load(seconds=3).finish()


@case("solo node off and back: serves again by itself")
def solo_returns(bed):
    primary = bed.primary()
    bed.signal(peer_of(primary), "broker", signal.SIGTERM)
    bed.wait_role(primary, "primary", 10, pair_state="solo")
    absent = AbsentSubscriber()
    absent.publish()
    for node in ("a", "b"):
        bed.lab("kill", node, "host")
    power_on(bed, primary)
    bed.wait_role(primary, "primary", 15, pair_state="solo")
    absent.expect_all()
    bed.heal()
    return bed.load(seconds=3).finish()


@case("link cut, primary goes solo, primary dies: the stale standby does not serve")
def stale_standby_waits(bed):
    primary = bed.primary()
    standby = peer_of(primary)
    bed.lab("cut", "link")
    bed.wait_role(primary, "primary", 10, pair_state="solo")
    absent = AbsentSubscriber()
    absent.publish()
    bed.lab("kill", primary, "host")
    bed.stays("a node out of sync does not promote itself", 4,
              lambda: bed.status(standby)["role"] == "standby")
    agent = bed.agent(standby)
    expect(agent and agent["agent"]["reason"], "the agent gives no reason")
    bed.heal()
    absent.expect_all()
    expect(bed.primary() == primary, "the node with the whole history is not primary")
    return bed.load(seconds=3).finish()


@case("5,000 messages for an absent subscriber, primary killed (-9)", limit_ms=None)
def absent_subscriber(bed):
    absent = AbsentSubscriber(5000)
    absent.publish()
    old = bed.primary()
    bed.kill_broker(old)
    bed.wait_role(peer_of(old), "primary", 10)
    absent.expect_all()
    return bed.load(seconds=3).finish()


@case("will of a client that died with the primary is published by its successor")
def will_of_the_dead(bed):
    """That no living client's will is published, the load of every test checks."""
    watch = subprocess.Popen(mosquitto("sub", "-i", "watch", "-q", "1", "-t", "will/mortal", "-c", "-x",
                                       "3600", "-C", "1", "-W", "20"), stdout=subprocess.PIPE, text=True)
    mortal = subprocess.Popen(
        mosquitto("sub", "-i", "mortal", "-q", "1", "-t", "x", "-k", "5", "--will-topic",
                  "will/mortal", "--will-payload", "dead", "--will-qos", "1"))
    time.sleep(1)
    mortal.send_signal(signal.SIGSTOP)   # it must not say that its connection ends
    bed.kill_broker(bed.primary())
    mortal.kill()
    mortal.wait()
    out, _ = watch.communicate(timeout=30)
    expect(out.strip() == "dead", f"no will within 20 s of the failover: {out!r}")
    return bed.load(seconds=2).finish()
