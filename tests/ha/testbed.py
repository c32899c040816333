"""What a failover test needs: the lab, a load that checks every message, and checks on the pair."""
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(HERE, "lab"), os.path.dirname(HERE)]
import pair  # noqa: E402
from support.crash import crash_line  # noqa: E402
from support.expect import Failed, expect  # noqa: E402
from support.preload import compiled  # noqa: E402

LAB = os.path.join(ROOT, "build", "lab")
LAB_SH = os.path.join(HERE, "lab.sh")
VIRTUAL_IP = pair.VIRTUAL_IP
VIRTUAL_IP6 = "fd99::100"  # with lab up --ipv6


LEASE = "agent:failover.in_sync_lease_ms"


def peer_of(node):
    return "b" if node == "a" else "a"


def epoch_counter(status):
    return status["epoch"] >> 8


def measuring(node, *command):
    """A command whose own waiting for the processor would be taken for the broker's."""
    return in_node(node, "nice", "-n", "-10", *command)


def in_node(node, *command):
    return ["nsenter", f"--net=/run/netns/tandemq-{node}", "--", *command]


class Load:
    """`tandemq-bench failover` through the virtual address, from the client's namespace."""

    def __init__(self, bed, seconds, pubs=50, subs=50, rate=5000, host=VIRTUAL_IP, options=()):
        self.bed, self.seconds, self.full = bed, seconds, None
        self.error_file = os.path.join(bed.folder, "bench.log")
        command = measuring(
            "client", os.path.join(bed.bin, "tandemq-bench"), "failover", "--host", host,
            "--port", "1883", "--pubs", str(pubs), "--subs", str(subs), "--qos", "mixed", "--rate",
            str(rate), "--seconds", str(seconds), "--retry-ms", "10", "--wills", "--json", "--quiet", *options)
        with open(self.error_file, "a", encoding="utf-8") as errors:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        self.begun = time.monotonic()

    def until(self, second):
        """Sleeps until so many seconds after its start, or what the bed's shift makes of it; fails when it
        has ended by then."""
        while time.monotonic() < self.begun + second + self.bed.shift_s:
            expect(self.process.poll() is None, f"the load ended early, see {self.error_file}")
            time.sleep(0.01)

    def finish(self):
        """Its result as a dict: acknowledged, lost, duplicates, disorder, gap_ms."""
        try:
            out, _ = self.process.communicate(timeout=self.seconds + 60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed("the load did not end a minute after its time") from None
        try:
            full = json.loads(out)
        except ValueError:
            raise Failed(f"tandemq-bench ended with {self.process.returncode} and no result, see "
                         f"{self.error_file}: {out[-300:]}") from None
        with open(os.path.join(self.bed.folder, "bench.json"), "a", encoding="utf-8") as f:
            json.dump(full, f, indent=1)
        self.full = full
        return read_result(full)


def read_result(full):
    """The figures that the tests judge by, from tandemq-bench's JSON."""
    return {"acknowledged": full["acknowledged"], "lost": full["lost"],
            "duplicates": full["qos2_duplicates"], "disorder": full["order_violations"],
            "false_wills": full.get("false_wills", 0), "sessions_lost": full["sessions_lost"],
            "gap_ms": full["longest_gap_ms"]}


# What must be 0 in every result, and how a person calls it.
FAULTS = {"lost": "acknowledged messages lost", "duplicates": "QoS 2 duplicates",
          "disorder": "order violations", "false_wills": "wills of living clients published",
          "sessions_lost": "sessions lost"}


def judge(result):
    expect(result["acknowledged"] > 0, "the load had nothing acknowledged")
    for key, words in FAULTS.items():
        expect(result[key] == 0, f"{result[key]} {words}")


def claim_lab():
    """Holds the lab for this process; a second demo or test run would take it down under the first.
    An abstract socket is as local as the lab: one for each network namespace, gone with its process."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind("\0tandemq-lab")
    except OSError:
        raise Failed("another demo or failover test is using the lab; wait for it to end") from None
    return claim


class Bed:
    """One pair for one test. Leave `folder` to hold what a failure leaves for reading."""

    def __init__(self, name, prefix=None, shift_s=0.0):
        self.name, self.shift_s = name, shift_s
        self.bin = prefix or os.path.join(ROOT, "build", "release", "bin")
        self.folder = os.path.join(ROOT, "build", "ha", name)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.loads = []

    def lab(self, *arguments, timeout=60):
        done = subprocess.run([LAB_SH, *arguments], capture_output=True, text=True, check=False,
                              timeout=timeout)
        expect(done.returncode == 0,
               f"lab {' '.join(arguments)}: {(done.stdout + done.stderr).strip()[-600:]}")
        return done.stdout

    def up(self, *options):
        """With a lease that outlasts the stalls of a machine that runs tests: a standby that got no
        processor for most of the default's 1.1 s may not take over any more. Cases in which the lease is
        the point set their own."""
        lease = () if LEASE in " ".join(options) else ("--set", f"{LEASE}=5000")
        self.lab("up", "--prefix", self.bin, *options, *lease)

    def down(self):
        subprocess.run([LAB_SH, "down", "--keep"], check=False, capture_output=True)

    def status(self, node):
        return pair.broker_status(LAB, node)

    def agent(self, node):
        try:
            return pair.ask(LAB, node, "agent", "status")
        except pair.Unreachable:
            return None

    def history(self, node):
        try:
            return pair.ask(LAB, node, "agent", "history", limit=20).get("changes", [])
        except pair.Unreachable:
            return []

    def primary(self):
        for node in pair.NODES:
            status = self.status(node)
            if status and status["role"] == "primary":
                return node
        raise Failed("no node is primary")

    def epoch(self):
        return max(epoch_counter(s) for s in map(self.status, pair.NODES) if s)

    def wait(self, what, seconds, condition):
        """Polls until the condition is true; the time it took in seconds."""
        begun = time.monotonic()
        while time.monotonic() < begun + seconds:
            if condition():
                return time.monotonic() - begun
            time.sleep(0.02)
        raise Failed(f"not within {seconds} s: {what}; {self.describe()}")

    def describe(self):
        return "; ".join(f"{n}: {pair.describe(self.status(n))}" for n in pair.NODES)

    def wait_role(self, node, role, seconds=10, **also):
        def there():
            status = self.status(node)
            return bool(status) and status["role"] == role and all(
                status[k] == v for k, v in also.items())
        return self.wait(f"{node} {role} {also or ''}", seconds, there)

    def stays(self, what, seconds, condition):
        """The condition holds now and for so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            expect(condition(), f"changed within {seconds} s: {what}; {self.describe()}")
            time.sleep(0.05)

    def holds_address(self, node, address=VIRTUAL_IP):
        family = "-6" if ":" in address else "-4"
        done = subprocess.run(["ip", "-n", f"tandemq-{node}", family, "-o", "addr", "show", "to",
                               address], capture_output=True, text=True, check=False)
        return bool(done.stdout)

    def pid(self, node, daemon):
        with open(os.path.join(LAB, node, daemon + ".pid"), encoding="utf-8") as f:
            pid = int(f.read())
        # The number of one that is dead may be a stranger's by now.
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as f:
            if not re.search(rf"/tandemq-lab-\d+/{node}$", f.read(), re.M):
                raise ProcessLookupError(f"{daemon} of {node} is dead")
        return pid

    def signal(self, node, daemon, number):
        """Straight to the process, so that the moment is exact."""
        os.kill(self.pid(node, daemon), number)

    def kill_broker(self, node):
        self.signal(node, "broker", signal.SIGKILL)

    def slow_disk(self, node):
        """From its next start on the node's broker is slow while slow_syncs() says so."""
        library = compiled("failing_disk", self.folder)
        with open(os.path.join(LAB, node, "broker.env"), "w", encoding="utf-8") as f:
            f.write(f"LD_PRELOAD={library}\nFAILING_DISK={self.folder}/slow-{node}\n")

    def slow_syncs(self, node, file, milliseconds, containing=""):
        """Syncs of files whose path contains `file` (and that contain the text) take so long."""
        with open(os.path.join(self.folder, f"slow-{node}"), "w", encoding="utf-8") as f:
            f.write(f"{file}\nslow {milliseconds}\n{containing}\n")

    def load(self, seconds=6, **options):
        load = Load(self, seconds, **options)
        self.loads.append(load)
        return load

    def heal(self):
        """Undoes every fault; the pair must become `paired` by itself. The time that took, in seconds."""
        begun = time.monotonic()
        self.lab("heal")
        return time.monotonic() - begun

    def expect_same_history(self):
        """Both nodes hold the same records: same last LSN and epoch, once nothing is written any more."""
        def same():
            one, other = (self.status(n) for n in pair.NODES)
            return one and other and one["last_lsn"] == other["last_lsn"] \
                and one["epoch"] == other["epoch"] and one["committed_lsn"] == one["last_lsn"]
        self.wait("both nodes hold the same records", 10, same)

    def expect_no_crash(self):
        for path in glob.glob(os.path.join(LAB, "[ab]", "*.log")):
            found = crash_line(path)
            expect(not found, f"{os.path.relpath(path, LAB)}: {found and found[:300]}")

    def keep_evidence(self):
        """Logs, configuration and history of a failed test, for the person who reads the report."""
        for node in pair.NODES:
            target = os.path.join(self.folder, node)
            os.makedirs(target, exist_ok=True)
            for path in glob.glob(os.path.join(LAB, node, "*.*")):
                if os.path.isfile(path):
                    shutil.copy(path, target)
            with open(os.path.join(target, "now.json"), "w", encoding="utf-8") as f:
                json.dump({"broker": self.status(node), "agent": self.agent(node),
                           "history": self.history(node)}, f, indent=1)

    def end(self):
        for load in self.loads:
            if load.process.poll() is None:
                load.process.kill()
                load.process.wait()
        self.down()
