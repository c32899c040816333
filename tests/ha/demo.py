#!/usr/bin/python3
"""The pair as a story: bring it up, kill its primary under load, count what was lost (nothing).

demo.py [--once] [--loops N]    exit code 0 only when nothing was lost or doubled and the gap was short
demo.py --watch [--port N]      a pair that stays, with Prometheus and the Grafana boards as a page
demo.py --pictures FOLDER       pictures of these boards after a failover
"""
import argparse
import calendar
import json
import os
import re
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from testbed import (LAB, LAB_SH, ROOT, VIRTUAL_IP, Bed, Failed, claim_lab, expect, in_node,  # noqa: E402
                     measuring, peer_of, read_result)
from watch import watch  # noqa: E402

GAP_MAX_MS = 250
KILL_AT_S = 3
LOAD_S = 8


def say(text=""):
    print(text, flush=True)


class Mosquitto:
    """A subscriber of Debian's mosquitto_sub with a persistent session, in the client's namespace."""

    def __init__(self, bed):
        self.path = os.path.join(bed.folder, "mosquitto_sub.txt")
        with open(self.path, "w", encoding="utf-8") as out:
            self.process = subprocess.Popen(
                in_node("client", "mosquitto_sub", "-h", VIRTUAL_IP, "-t", "demo/#", "-q", "1", "-i",
                        "demo-subscriber", "-c", "-v"), stdout=out, stderr=subprocess.DEVNULL)

    def hears(self, text):
        """Publishes the text with mosquitto_pub; seconds until the subscriber has printed it."""
        sent = subprocess.run(
            in_node("client", "mosquitto_pub", "-h", VIRTUAL_IP, "-t", "demo/hello", "-q", "1", "-m",
                    text), check=False, capture_output=True, text=True, timeout=20)
        expect(sent.returncode == 0, f'mosquitto_pub could not say "{text}": {sent.stderr.strip()}')
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with open(self.path, encoding="utf-8") as f:
                if f"demo/hello {text}\n" in f.read():
                    return
            time.sleep(0.02)
        raise Failed(f'mosquitto_sub did not hear "{text}"')

    def end(self):
        self.process.terminate()
        self.process.wait()


class AddressWatch:
    """Notes when the virtual address appears on a node, by the kernel's own messages."""

    def __init__(self, bed, node):
        self.path = os.path.join(bed.folder, f"addresses-{node}.txt")
        with open(self.path, "w", encoding="utf-8") as out:
            self.process = subprocess.Popen(
                in_node(node, "ip", "-ts", "-o", "monitor", "address"), stdout=out,
                env={**os.environ, "TZ": "UTC"})

    def appeared(self):
        """Unix time in seconds of the first appearance, or None."""
        self.process.terminate()
        self.process.wait()
        with open(self.path, encoding="utf-8") as f:
            for line in f:
                match = re.match(r"\[(\S+)\.(\d+)\] (?!Deleted).*" + re.escape(VIRTUAL_IP), line)
                if match:
                    whole = time.strptime(match.group(1), "%Y-%m-%dT%H:%M:%S")
                    return calendar.timegm(whole) + int(match.group(2).ljust(6, "0")[:6]) / 1e6
        return None


class PairedFlag(threading.Thread):
    """A file that exists while the pair is whole. A machine that stalls may take it apart for a moment,
    and a node alone has no successor."""

    def __init__(self, bed, primary):
        super().__init__(daemon=True)
        self.bed, self.primary = bed, primary
        self.path, self.over = os.path.join(bed.folder, "paired"), threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.02):
            status = self.bed.status(self.primary)
            if status and status["pair_state"] == "paired":
                open(self.path, "w", encoding="utf-8").close()
            elif os.path.exists(self.path):
                os.remove(self.path)


def kill_under_load(bed, primary):
    """The load with the kill in its middle. (result of the bench, time of the kill)"""
    stamp = os.path.join(bed.folder, "killed")
    flag = PairedFlag(bed, primary)
    command = (f"until [ -e {flag.path} ]; do sleep 0.01; done; date +%s.%N >{stamp}; "
               f"kill -9 {bed.pid(primary, 'broker')}")
    done = subprocess.run(measuring(
        "client", os.path.join(bed.bin, "tandemq-bench"), "failover", "--host", VIRTUAL_IP, "--port",
        "1883", "--pubs", "50", "--subs", "50", "--qos", "mixed", "--rate", "5000", "--seconds",
        str(LOAD_S), "--retry-ms", "10", "--kill-at", str(KILL_AT_S), "--kill-cmd", command,
        "--json", "--quiet"), stdout=subprocess.PIPE, text=True, check=False, timeout=LOAD_S + 60)
    flag.over.set()
    with open(os.path.join(bed.folder, "bench.json"), "w", encoding="utf-8") as f:
        f.write(done.stdout)
    try:
        full = json.loads(done.stdout)
    except ValueError:
        raise Failed(f"tandemq-bench gave no result (exit code {done.returncode})") from None
    with open(stamp, encoding="utf-8") as f:
        return full, float(f.read())


def print_timeline(entries):
    say("   timeline, milliseconds after the kill:")
    for at_ms, text in sorted((e for e in entries if e[0] is not None), key=lambda e: e[0]):
        say(f"   {at_ms:8.0f}  {text}")


def timeline(bed, full, killed, moved, primary, other):
    entries = [(0, f"broker of node {primary}, the primary, killed with -9"),
               (moved and (moved - killed) * 1000, f"address {VIRTUAL_IP} moved to node {other}"),
               (full.get("95_percent_of_sessions_back_after_kill_ms"), "95 % of the sessions back"),
               (full.get("first_ack_after_kill_ms"), "first acknowledgement to a client"),
               (full.get("last_session_back_after_kill_ms"), "all 100 sessions back")]
    changes = [change for change in bed.history(other) if change["to"] == "primary"]
    if changes:
        last = changes[-1]
        detected = last["detection_ms"]
        entries.append((detected, f"node {other} knows: {last['cause']}"))
        if last["promotion_ms"] is not None:
            entries.append((detected + last["promotion_ms"], f"node {other} promoted, listening"))
    return entries


def expect_successor(bed, node):
    status, agent = bed.status(node), bed.agent(node)
    expect(status and status["role"] == "primary",
           f"node {node} did not take over: {agent['summary'] if agent else 'its agent does not answer'}")


def one(bed):
    """The story once. True when the verdict is good."""
    say("1. A pair comes up: two nodes, one address")
    subprocess.run([LAB_SH, "down"], check=False, capture_output=True)
    bed.up()
    primary = bed.primary()
    other = peer_of(primary)
    say(f"   node {primary} is primary and has {VIRTUAL_IP}, node {other} confirms every record")
    listener = Mosquitto(bed)
    try:
        time.sleep(0.3)
        listener.hears("before the failover")
        say("2. mosquitto_pub says hello, mosquitto_sub hears it")
        say(f"3. 50 publishers, 50 persistent subscribers, 5,000 messages/s, QoS 1 and 2; "
            f"kill -9 after {KILL_AT_S} s")
        watch = AddressWatch(bed, other)
        full, killed = kill_under_load(bed, primary)
        expect_successor(bed, other)
        print_timeline(timeline(bed, full, killed, watch.appeared(), primary, other))
        listener.hears("after the failover")
        say("4. mosquitto_sub came back by itself and hears mosquitto_pub")
    finally:
        listener.end()
    begun = time.monotonic()
    bed.lab("heal")
    say(f"5. node {primary} started again as standby: paired after {time.monotonic() - begun:.1f} s")
    result = read_result(full)
    gap = full["failover_gap_ms"]
    good = result["lost"] == result["duplicates"] == result["disorder"] == 0 and gap < GAP_MAX_MS
    if result["gap_ms"] > max(gap, GAP_MAX_MS):
        say(f"   (away from the failover, nothing was acknowledged for {result['gap_ms']:.0f} ms: is this "
            "machine busy?)")
    say(f"verdict: acknowledged {result['acknowledged']}, lost {result['lost']}, duplicates "
        f"{result['duplicates']}, out of order {result['disorder']}, gap {gap:.0f} ms "
        f"(limit {GAP_MAX_MS} ms): {'good' if good else 'NOT GOOD'}")
    return good


def guarded(bed):
    try:
        return one(bed)
    except Failed as failure:
        say(f"demo: failed: {failure}")
        bed.keep_evidence()
        return False


def watched(options):
    try:
        watch(Bed("demo", options.prefix), options.port, options.pictures)
    except KeyboardInterrupt:
        say()
    except Failed as failure:
        say(f"demo: {failure}")
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser(prog="./run demo")
    parser.add_argument("--once", action="store_true", help="take the pair down at the end")
    parser.add_argument("--loops", type=int, default=1, metavar="N")
    parser.add_argument("--watch", action="store_true", help="Prometheus and the boards as a page, until Ctrl-C")
    parser.add_argument("--port", type=int, default=8090, metavar="N", help="of that page (8090); Prometheus has N + 1")
    parser.add_argument("--pictures", metavar="FOLDER", help="of the boards of a failover (docs/pictures)")
    parser.add_argument("--prefix", help="folder of the programs (build/release/bin)")
    options = parser.parse_args()
    if os.getuid() != 0:
        say("demo: network namespaces need root (sudo ./run demo)")
        return 1
    try:
        claim = claim_lab()  # noqa: F841  (held until the end)
    except Failed as failure:
        say(f"demo: {failure}")
        return 1
    if options.watch or options.pictures:
        return watched(options)
    good = 0
    for number in range(1, options.loops + 1):
        if options.loops > 1:
            say(f"--- {number} of {options.loops}")
        bed = Bed("demo", options.prefix)
        good += guarded(bed)
    if options.loops > 1:
        say(f"{good} of {options.loops} good")
    if options.once or good < options.loops:
        bed.down() if good < options.loops else bed.lab("down")
        if good < options.loops:
            say(f"the pair is down; logs are in {os.path.relpath(LAB, ROOT)} and "
                f"{os.path.relpath(bed.folder, ROOT)}")
    else:
        say()
        say("The pair is still up. Try it:")
        say(f"  mosquitto_sub -h {VIRTUAL_IP} -t '#' -v")
        say(f"  ./run lab kill {bed.primary()} broker; ./run lab status; ./run lab heal")
        say("  ./run lab down")
    return 0 if good == options.loops else 1


if __name__ == "__main__":
    sys.exit(main())
