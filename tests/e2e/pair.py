"""The pair of two booted hosts: its configuration, its state, its load."""
import json
import os
import signal
import subprocess
import time

from hosts import CLIENT, VIRTUAL_IP, WORK, Failed, expect, inside, run, wait_until
from report import Watch

UNPACKED = os.path.join(WORK, "unpacked")   # the programs that run on this machine
BENCH, CTL = (os.path.join(UNPACKED, "usr", "bin", program) for program in ("tandemq-bench", "tandemqctl"))
SETUP = ("--pair", "e2e", "--first", "10.99.0.11,10.98.0.11", "--second", "10.99.0.12,10.98.0.12", "--virtual",
         f"{VIRTUAL_IP}/24", "--interface", "host0", "--allow-anonymous")
# As `tandemqctl setup` says that they are to be put in place: names, and whose group reads them.
FILES = {"tandemqd.toml": "tandemq", "link.pem": "tandemq", "link-ca.pem": "tandemq",
         "agent.toml": "tandemq-agent", "pair.secret": "tandemq-agent"}
# The machine that runs tests stalls for longer than hosts do. Where a disk is full that is felt when the next segment
# of the journal begins: small ones.
CHANGES = (("[failover]\n", "[failover]\nin_sync_lease_ms = 5000\n"),
           ("[replication]\n", "[journal]\nsegment_bytes = 1048576\n[replication]\n"))


class Pair:
    def __init__(self, hosts, image):
        self.hosts, self.image = hosts, image
        self.more = []   # hosts that are not of the pair

    def configure(self):
        """By the program under test, as an operator without Ansible does it."""
        folder = os.path.join(WORK, "setup")
        run(CTL, "setup", "--force", *SETUP, folder)
        for host, node in zip(self.hosts, "ab"):
            for name, group in FILES.items():
                with open(os.path.join(folder, node, name), encoding="utf-8") as file:
                    text = file.read()
                for what, by in CHANGES:
                    text = text.replace(what, by)
                host.write(f"/etc/tandemq/{name}", text, f"root:{group}", "640")
            host.sh("tandemqd --check && tandemq-agent --check && tandemq-agent --write-keepalived && sync")

    def start(self):
        for host in self.hosts:
            host.sh("systemctl restart tandemq-agent keepalived tandemqd")
        self.wait_whole()

    @staticmethod
    def status(host):
        try:
            return json.loads(host.sh("tandemqctl status --json", check=False, seconds=10).stdout)
        except (ValueError, subprocess.TimeoutExpired):
            return {"exit_code": 3}

    def is_whole(self):
        return all(self.status(host)["exit_code"] == 0 for host in self.hosts)

    def wait_whole(self, seconds=60):
        try:
            wait_until("both nodes say that all is well", self.is_whole, seconds)
        except Failed as failure:
            raise Failed(f"{failure}\n" + "\n".join(
                h.sh("tandemqctl status", check=False).stdout for h in self.hosts)) from None

    def primary(self):
        def found():
            for host in self.hosts:
                broker = self.status(host).get("broker") or {}
                if broker.get("role") == "primary":
                    return host
            return None
        return wait_until("a node is primary", found, 20)

    def other(self, host):
        return self.hosts[2 - host.number]

    def expect_address_at(self, host):
        def moved():
            return [h for h in self.hosts
                    if VIRTUAL_IP in h.sh("ip -4 -o addr show host0", check=False).stdout] == [host]
        wait_until(f"the address is at {host.name}, and there alone", moved, 10)


class Load:
    """Numbered messages through the virtual address, QoS 1 and 2; without `seconds` until finish() is called."""
    last = None   # for the report

    def __init__(self, seconds=None, rate=1000):
        Load.last, self.seconds, self.result, self.watch = self, seconds, None, None
        self.process = subprocess.Popen(
            inside(CLIENT, BENCH, "failover", "--host", VIRTUAL_IP, "--pubs", "20", "--subs", "20",
                   "--rate", str(rate), "--seconds", str(seconds or 3600), "--json", "--quiet"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def under_way(self, pair, seconds=2):
        """Runs for so long; from now on it is seen when the pair is whole."""
        time.sleep(seconds)
        self.watch = Watch(pair)
        return self

    def finish(self):
        """The longest gap in ms; nothing acknowledged may be missing, twice or out of order."""
        if self.seconds is None:
            self.process.send_signal(signal.SIGINT)
        out, error = self.process.communicate(timeout=(self.seconds or 0) + 90)
        try:
            result = json.loads(out)
        except ValueError:
            raise Failed(f"no result: {out[-200:]} {error[-400:]}") from None
        self.result = result
        expect(result["acknowledged"] > 0, "nothing was acknowledged")
        for fault in ("lost", "qos2_duplicates", "order_violations", "sessions_lost"):
            expect(result[fault] == 0, f"{fault}: {result[fault]} of {result['acknowledged']}")
        return result["longest_gap_ms"]

    def end(self):
        """Whatever became of its case."""
        self.process.kill()
        self.process.wait()


def unpack(packages):
    for package in packages:
        run("dpkg-deb", "-x", package, UNPACKED)
