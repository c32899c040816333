#!/usr/bin/python3
"""Many clients, and their broker's death: how long until they are back, what was lost, and what one
connection costs; TandeMQ as a pair beside Debian's mosquitto, in one run.

crowds.py [--only NAMES] [--brokers mosquitto,pair] [--rounds 1] [--json FILE] [--list]
The pair's primary is killed (-9) and its standby told to take over. mosquitto is started again at
once: after SIGTERM, which lets it save its sessions ("return"), or after kill -9 ("burst").
"""
import argparse
import json
import os
import subprocess
import sys
from collections import namedtuple

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FOLDER = os.path.join(ROOT, "build", "bench")
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import brokers  # noqa: E402
from probe import Probe  # noqa: E402
from support.turn_clock import TurnClock  # noqa: E402

# Others who use this machine must not be taken for the broker, nor for its clients.
MEASURED = ["nice", "-n", "-15"]
# What an agent would order.
TAKE_OVER = """import socket
for command in b"promote", b"solo":
    with socket.socket(socket.AF_UNIX) as control:
        control.connect("{}")
        control.sendall(b'{{"cmd":"%b","id":1,"reason":"bench","authority":"operator"}}\\n' % command)
        control.recv(4096)
"""
# A client that has lost its broker tries again every 100 ms and is patient then.
RETURNING = ["--retry-ms", "100", "--connect-timeout-ms", "20000", "--connack-timeout-ms", "60000",
             "--ping-after-ms", "3000", "--ping-timeout-ms", "20000", "--drain", "60"]

# command: of tandemq-bench; kill: when the broker dies, in seconds, or None; gently: mosquitto may save.
Work = namedtuple("Work", "name title transport command kill gently")


def burst(transport, qos, kill):
    """The published load of IPVS in front of mosquitto: 480 clients, bursts of 6,000 messages."""
    name = f"burst{qos}-{transport}" + ("-kill" if kill else "")
    return Work(name, f"480 clients, bursts of 6,000, QoS {qos}, {transport}" + (", killed" if kill else ""),
                transport, ["failover", "--pubs", "240", "--subs", "240", "--qos", str(qos), "--rate",
                            "6000", "--burst", "6000", "--seconds", "6", *RETURNING], kill, False)


def returning(transport, count):
    half = str(count // 2)
    # By 3.1.1: of 5.0 clients mosquitto 2.0 saves no session that began with a clean start.
    return Work(f"return{count // 1000}k-{transport}", f"{count:,} clients come back, {transport}", transport,
                ["failover", "--version", "4", "--pubs", half, "--subs", half, "--rate", "500", "--seconds", "8",
                 *RETURNING],
                2, True)


def idle(transport):
    return Work(f"idle-{transport}", f"19,000 idle persistent sessions, {transport}", transport,
                ["connect", "--count", "19000", "--persistent"], None, True)


WORKS = ([burst(transport, qos, kill) for transport in ("plain", "tls") for qos in (1, 2)
          for kill in (None, 2.3)]
         + [returning(transport, 5000) for transport in ("plain", "tls", "wss")]
         + [returning(transport, 10000) for transport in ("plain", "tls")]
         + [idle(transport) for transport in ("plain", "tls")])


class Mosquitto(brokers.Mosquitto):
    """As Debian ships it, but for its log and listeners; it keeps its sessions when it is stopped in order."""

    def __init__(self, folder, port, binaries):
        super().__init__(folder, port, binaries)
        self.daemon.command = [*MEASURED, "mosquitto"]
        self.pid_file = os.path.join(self.daemon.folder, "pid")
        self.clock = None

    def settings(self):
        return f"persistence true\npersistence_location {self.daemon.folder}/\npid_file {self.pid_file}\n"

    def kill_command(self, gently):
        pid, again = self.pids()[0], " ".join(MEASURED)
        return (f"kill -{'TERM' if gently else 'KILL'} {pid}; "
                f"while grep -q . /proc/{pid}/cmdline 2>/dev/null; do sleep 0.01; done; "
                f"rm -f {self.pid_file}; "
                f"exec {again} mosquitto -d -c {self.daemon.folder}/mosquitto.conf")

    def port_after_kill(self):
        return self.port

    def stop(self):
        second = subprocess.run(["cat", self.pid_file], capture_output=True, text=True, check=False)
        super().stop()
        if second.stdout.strip():
            subprocess.run(["kill", "-KILL", second.stdout.strip()], check=False, capture_output=True)


class Pair(brokers.Pair):
    """The loop of the node that takes over is watched."""

    def __init__(self, folder, port, binaries):
        super().__init__(folder, port, binaries)
        self.clock = TurnClock(folder)
        watched = [f"{name}={value}" for name, value in self.clock.env.items()]
        self.nodes[0].wrap(MEASURED)
        self.nodes[1].wrap([*MEASURED, "env", *watched])

    def kill_command(self, _gently):
        first, second = self.nodes
        script = os.path.join(FOLDER, "take_over.py")
        with open(script, "w", encoding="utf-8") as file:
            file.write(TAKE_OVER.format(os.path.join(second.folder, "broker.sock")))
        # The watch begins here: its file is shared memory of that process.
        return (f"kill -KILL {first.daemon.process.pid}; "
                f"dd if=/dev/zero of={self.clock.file} bs=32 count=1 conv=notrunc 2>/dev/null; "
                f"exec {sys.executable} -IS {script}")

    def port_after_kill(self):
        return self.port + 1


KINDS = {"mosquitto": Mosquitto, "pair": Pair}


def command_of(work, broker, options, authority):
    port = options.port + brokers.PORT_ABOVE[work.transport]
    command = [*MEASURED, os.path.join(options.prefix, "tandemq-bench"), *work.command, "--port", str(port),
               "--json", "--quiet", "--broker-pid", str(broker.pids()[0])]
    if work.transport in ("tls", "wss"):
        command += ["--tls-ca", authority]
    if work.transport in ("ws", "wss"):
        command.append("--websocket")
    if work.kill:
        after = broker.port_after_kill() + brokers.PORT_ABOVE[work.transport]
        command += ["--kill-at", str(work.kill), "--kill-cmd", broker.kill_command(work.gently),
                    "--port-after-kill", str(after)]
    return command


def measure(kind, work, options, authority):
    broker = KINDS[kind](FOLDER, options.port, options.prefix)
    try:
        broker.serve(work.transport)
        broker.start()
        probe = Probe(options.port, broker.port_after_kill()) if work.kill else None
        done = subprocess.run(command_of(work, broker, options, authority), capture_output=True,
                              text=True, check=False, timeout=600)
        if not done.stdout:
            raise brokers.BrokerFailed(done.stderr.strip())
        result = json.loads(done.stdout)
        if probe:
            result["beside"] = probe.end(result["last_session_back_after_kill_ms"] / 1e3)
        if work.kill and broker.clock:
            result["turns"] = broker.clock.read()._asdict()
        return result
    finally:
        broker.stop()


def describe(result):
    """What a person wants to know of one run."""
    words = []
    if "lost" in result:
        words.append(f"{result['acknowledged']:,} acknowledged, {result['lost']:,} lost "
                     f"({100 * result['lost'] / max(result['acknowledged'], 1):.1f} %), "
                     f"{result['qos2_duplicates']} QoS 2 duplicates, {result['sessions_lost']:,} sessions lost")
    if "last_session_back_after_kill_ms" in result:
        at = [result[f"{which}_after_kill_ms"] / 1e3 for which in (
            "half_of_sessions_back", "95_percent_of_sessions_back", "last_session_back")]
        words.append("back 50 % {:.2f} s, 95 % {:.2f} s, all {:.2f} s".format(*at))
    if "tls_handshakes" in result:
        words.append("handshakes full {full:,}, resumed {resumed:,}".format(**result["tls_handshakes"]))
    if "turns" in result:
        words.append("longest turn {clock_ms:.1f} ms, of the processor {processor_ms:.1f} ms".format(
            **result["turns"]))
    if "beside" in result:
        words.append("another client's acknowledgements ms p50/p99/max before {}, meanwhile {}".format(
            *("/".join(f"{ms:.1f}" for ms in part) for part in result["beside"])))
    if "broker_bytes_per_connection" in result:
        words.append(f"{result['broker_bytes_per_connection']:,.0f} bytes each, "
                     f"{result['connections_per_s']:,.0f} connections/s, "
                     f"{result['broker_cpu_us_per_connection']:.0f} us CPU each")
    return "; ".join(words)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", help="works by name, separated by commas; a name that ends in * stands for several")
    parser.add_argument("--brokers", default="mosquitto,pair")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--port", type=int, default=28841)
    parser.add_argument("--prefix", default=os.path.join(ROOT, "build", "release", "bin"))
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def chosen(only):
    if not only:
        return WORKS
    names = only.split(",")
    return [work for work in WORKS if any(
        work.name == name or name.endswith("*") and work.name.startswith(name[:-1]) for name in names)]


def main():
    options = arguments()
    if options.list:
        print("\n".join(f"{work.name:18} {work.title}" for work in WORKS))
        return 0
    authority = brokers.certificate(FOLDER)[0]
    found, failed = [], 0
    for work in chosen(options.only):
        for number in range(options.rounds):
            for kind in options.brokers.split(","):
                try:
                    result = measure(kind, work, options, authority)
                    words = describe(result)
                except (brokers.BrokerFailed, subprocess.TimeoutExpired, KeyError) as failure:
                    result, words = {"failed": repr(failure)}, f"FAILED: {failure!r}"
                failed += kind != "mosquitto" and bool(result.get("failed") or result.get("lost"))
                found.append({"work": work.name, "broker": kind, "round": number + 1, **result})
                print(f"{work.title:48} {kind:10} {words}", flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
