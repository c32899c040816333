"""The failover agent started by hand on garbage: messages, exit codes, and what it goes on with."""
import os
import signal
import socket
import subprocess
import time

from support.expect import expect, free_port, wait_until

GOOD = {"node": {"name": "a", "index": 1, "control_socket": "FOLDER/agent.sock",
                 "state_dir": "FOLDER/state", "run_dir": "FOLDER/run"},
        "broker": {"control_socket": "FOLDER/broker.sock"},
        "peer": {"name": "b", "listen": ["127.0.0.1:PORT"], "addresses": ["127.0.0.2:PORT"],
                 "secret_file": "FOLDER/secret"},
        "vrrp": {"interface": "lo", "addresses": ["192.0.2.100/24"],
                 "keepalived_conf": "FOLDER/keepalived.conf",
                 "keepalived_pid_file": "FOLDER/keepalived.pid"},
        "metrics": {"listen": ""}}


class AgentProcess:
    """One tandemq-agent with a folder of its own; changes are {"section.key": value or None}."""

    def __init__(self, ctx, name="agent", **changes):
        self.ctx, self.folder = ctx, os.path.join(ctx.folder, name)
        os.makedirs(self.folder)
        self.config_file, self.log_file = f"{self.folder}/agent.toml", f"{self.folder}/log"
        with open(f"{self.folder}/secret", "w", encoding="utf-8") as file:
            file.write("0123456789abcdef0123456789abcdef\n")
        sections = {name: dict(keys) for name, keys in GOOD.items()}
        for key, value in changes.items():
            section, name = key.split("_", 1)
            sections.setdefault(section, {})[name] = value
        text = "".join(f"[{section}]\n" + "".join(f"{k} = {v!r}\n" for k, v in keys.items())
                       for section, keys in sections.items())
        text = text.replace("FOLDER", self.folder).replace("PORT", str(free_port()))
        with open(self.config_file, "w", encoding="utf-8") as file:
            file.write(text)
        self.process = None

    def launch(self, *options):
        with open(self.log_file, "w", encoding="utf-8") as log:
            self.process = self.ctx.program("tandemq-agent", "-c", self.config_file, *options,
                                            stdout=log, stderr=log)
        self.ctx.cleanups.append(self.process.kill)
        return self

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def ends_with(self, code, *parts, options=()):
        self.launch(*options)
        found = self.process.wait(20)
        expect(found == code, f"exit code {found}, not {code}: {self.log()}")
        for part in parts:
            expect(part in self.log(), f"'{part}' is not in: {self.log()}")

    def start(self):
        self.launch()
        wait_until(lambda: "event=started" in self.log() or self.process.poll() is not None,
                   "the agent has started")
        expect(self.process.poll() is None, f"it ended: {self.log()}")
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        expect(self.process.wait(10) == 0, f"the end: {self.log()}")


def test_check(ctx):
    agent = AgentProcess(ctx)
    agent.ends_with(0, "the configuration is good", options=["--check"])
    expect(not os.path.exists(f"{agent.folder}/run"), "--check made the run folder")
    agent.ends_with(2, "--nonsense", options=["--nonsense"])
    AgentProcess(ctx, "bad", node_index=3).ends_with(2, "agent.toml:3: node.index", options=["--check"])


def test_bad_configuration(ctx):
    for number, (changes, part) in enumerate((
            ({"node_name": "a b"}, "node.name must be 1 to 32"),
            ({"node_state_dir": ""}, "node.state_dir must not be empty"),
            ({"node_index": 1.5}, "node.index must be a whole number"),
            ({"peer_listen": []}, "peer.listen must name 1 to 8 addresses"),
            ({"peer_nonsense": 1}, "unknown key 'peer.nonsense'; remove it"),
            ({"vrrp_router_id": 256}, "vrrp.router_id is 256 but must be from 1 to 255"))):
        agent = AgentProcess(ctx, f"n{number}", **changes)
        agent.ends_with(2, part, f"{agent.config_file}:")


def test_secret(ctx):
    agent = AgentProcess(ctx)
    os.unlink(f"{agent.folder}/secret")
    agent.ends_with(3, f"{agent.folder}/secret", "No such file", "both nodes need the same file")
    for mode, told in ((0o644, True), (0o640, False)):
        with open(f"{agent.folder}/secret", "w", encoding="utf-8") as file:
            file.write("0123456789abcdef0123456789abcdef\n")
        os.chmod(f"{agent.folder}/secret", mode)
        agent.ends_with(0, options=["--check"])
        expect(("is open to every user" in agent.log()) == told, f"mode {mode:o}: {agent.log()}")
    with open(f"{agent.folder}/secret", "w", encoding="utf-8") as file:
        file.write("short\n")
    agent.ends_with(3, "at least 16 bytes", "openssl rand -hex 32")
    AgentProcess(ctx, "endless", peer_secret_file="/dev/zero").ends_with(3, "longer than 64 MiB")


def test_keepalived_conf_of_the_operator(ctx):
    """It is not overwritten; one of our own is."""
    agent = AgentProcess(ctx)
    conf = f"{agent.folder}/keepalived.conf"
    for ours, there in ((True, None), (True, b"# Written by tandemq-agent from x\nold\n"),
                        (False, b"vrrp_instance mine {\n}\n"), (False, b"")):
        if there is not None:
            with open(conf, "wb") as file:
                file.write(there)
        if ours:
            agent.ends_with(0, f"{conf}: written", options=["--write-keepalived"])
            agent.ends_with(0, f"{conf}: unchanged", options=["--write-keepalived"])
            continue
        agent.ends_with(3, f"{conf} was not written by tandemq-agent and stays as it is",
                        "move it away", options=["--write-keepalived"])
        with open(conf, "rb") as file:
            expect(file.read() == there, "it is as it was")


def test_environment_refuses(ctx):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        AgentProcess(ctx, "port", metrics_listen=f"127.0.0.1:{port}").ends_with(
            3, f"cannot serve metrics on 127.0.0.1:{port}", "free the port")
    AgentProcess(ctx, "run", node_run_dir="/proc/nothing").ends_with(
        3, "cannot write the track file /proc/nothing/track", "node.run_dir")
    AgentProcess(ctx, "pid", node_pid_file="/proc/nothing/pid").ends_with(
        3, "cannot write node.pid_file /proc/nothing/pid", "create its folder")
    AgentProcess(ctx, "socket", node_control_socket="/proc/nothing/s").ends_with(
        3, "cannot open the control socket /proc/nothing/s", "create its folder")
    AgentProcess(ctx, "log", log_target="/proc/nothing/log").ends_with(
        3, "cannot open the log file /proc/nothing/log")


def test_second_agent(ctx):
    first = AgentProcess(ctx).start()
    second = AgentProcess(ctx, "second", node_control_socket=f"{first.folder}/agent.sock")
    second.ends_with(3, "another process answers on it", "set another node.control_socket")
    first.stop()


def test_what_it_goes_on_without(ctx):
    """Things that may come later, or that it does not need: it starts, and says what is missing."""
    agent = AgentProcess(ctx, node_state_dir="/proc/nothing", vrrp_interface="nonesuch0",
                         peer_listen=["192.0.2.77:17884"]).start()
    for part in ("event=history_not_kept", "/proc/nothing", "event=interface_missing", "nonesuch0",
                 "event=address_missing", "192.0.2.77"):
        wait_until(lambda p=part: p in agent.log(), f"'{part}' is told: {agent.log()}", 3)
    agent.stop()


def test_folders_log_and_end(ctx):
    agent = AgentProcess(ctx, node_pid_file="FOLDER/pid", log_target="FOLDER/own.log")
    target = f"{agent.folder}/own.log"
    agent.launch()
    pid = f"{agent.folder}/pid"
    wait_until(lambda: os.path.exists(pid) and os.path.getsize(pid) > 0, "the pid file")
    with open(pid, encoding="utf-8") as file:
        expect(int(file.read()) == agent.process.pid, "another number")
    wait_until(lambda: "event=started" in open(target, encoding="utf-8").read(), "started")
    os.rename(target, target + ".1")
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: os.path.exists(target) and "reloaded" in open(target, encoding="utf-8").read(),
               "the log is opened anew")
    begun = time.monotonic()
    agent.stop()
    expect(time.monotonic() - begun < 2, "a slow end")
    expect(not os.path.exists(f"{agent.folder}/pid"), "the pid file is left")
    expect(not os.path.exists(f"{agent.folder}/agent.sock"), "the control socket is left")


def test_prints_keepalived(ctx):
    interfaces = [name for _, name in socket.if_nameindex() if name != "lo"]
    agent = AgentProcess(ctx, vrrp_interface=(interfaces or ["eth0"])[0],
                         vrrp_unicast_source="192.0.2.1", vrrp_unicast_peers=["192.0.2.2"])
    agent.ends_with(0, "vrrp_instance", "192.0.2.100/24", options=["--print-keepalived"])
    agent.ends_with(0, "keepalived.conf: written", options=["--write-keepalived"])
    agent.ends_with(0, "keepalived.conf: unchanged", options=["--write-keepalived"])
    if interfaces and os.geteuid() == 0:
        test = subprocess.run(["keepalived", "-t", "-f", f"{agent.folder}/keepalived.conf"],
                              check=False, capture_output=True, text=True)
        expect(test.returncode == 0, f"keepalived finds fault with it: {test.stderr}")


def test_the_packages_example_is_good(ctx):
    """Without its secret, which is the operator's."""
    example = os.path.join(os.path.dirname(__file__), "..", "..", "packaging", "etc", "agent.toml")
    with ctx.program("tandemq-agent", "-c", example, "--print-keepalived", stdout=subprocess.PIPE, text=True) as agent:
        out, _ = agent.communicate(timeout=20)
    expect(agent.returncode == 0 and "10.99.0.100/24" in out, f"{agent.returncode}: {out}")
