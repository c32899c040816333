"""The pair of two booted hosts: its configuration from the packages' own files, its state, its load."""
import json
import os
import signal
import subprocess
import time

from hosts import CLIENT, ROOT, VIRTUAL_IP, WORK, Failed, expect, inside, run, wait_until
from report import Watch

BENCH = os.path.join(WORK, "bench", "usr", "bin", "tandemq-bench")
SECRET = "e2e-secret-of-the-pair-0123456789abcdef\n"
BROKER_TOML = """\
[node]
name = "{name}"
index = {index}
[[listener]]
address = "0.0.0.0"
port = 1883
allow_anonymous = true
[replication]
mode = "pair"
pair_id = "e2e"
peer = "{peer}"
listen = "10.98.0.1{index}:7883"
peer_address = "10.98.0.1{other}:7883"
certfile = "/etc/tandemq/link.pem"
cafile = "/etc/tandemq/link-ca.pem"
# Small ones: where a disk is full that is felt when the next one begins.
[journal]
segment_bytes = 1048576
"""


def agent_toml(index):
    """The example of the package, as node b where asked for."""
    with open(os.path.join(ROOT, "packaging", "etc", "agent.toml"), encoding="utf-8") as file:
        text = file.read().replace('"eth0"', '"host0"')
    if index == 2:
        for one, other in (('"a"', '"b"'), ("0.11:", "0.12:"), ('0.11"', '0.12"')):
            text = text.replace(one, "\0").replace(other, one).replace("\0", other)
        text = text.replace("index = 1", "index = 2")
    # The machine that runs tests stalls for longer than hosts do.
    return text.replace("[failover]", "[failover]\nin_sync_lease_ms = 5000")


def link_authority():
    """A folder of certificates for the link, made by the program under test."""
    folder, ctl = os.path.join(WORK, "link"), os.path.join(ROOT, "build", "release", "bin", "tandemqctl")
    if not os.path.exists(os.path.join(folder, "b.pem")):
        run(ctl, "pki", "init", "--force", "--pair", "e2e", folder)
        for name in "ab":
            run(ctl, "pki", "issue", "--force", "--node", name, folder)
    return folder


class Pair:
    def __init__(self, hosts, image):
        self.hosts, self.image = hosts, image
        self.more = []   # hosts that are not of the pair

    def configure(self):
        authority = link_authority()
        for host in self.hosts:
            for name, of in (("link.pem", f"{'ab'[host.number - 1]}.pem"), ("link-ca.pem", "ca.pem")):
                with open(os.path.join(authority, of), encoding="ascii") as file:
                    host.write(f"/etc/tandemq/{name}", file.read(), "root:tandemq", "640")
            host.write("/etc/tandemq/tandemqd.toml", BROKER_TOML.format(
                name="ab"[host.number - 1], peer="ba"[host.number - 1], index=host.number,
                other=3 - host.number), "root:tandemq", "640")
            host.write("/etc/tandemq/agent.toml", agent_toml(host.number))
            host.write("/etc/tandemq/pair.secret", SECRET, "root:tandemq-agent", "640")
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


def unpack_bench(packages):
    run("dpkg-deb", "-x", packages, os.path.join(WORK, "bench"))
