"""Two hosts, and where a case wants it a third (.13), each booted with systemd as PID 1 in namespaces and on a
disk of its own, and a client, on two networks of this machine:

    client .50 --+-- service network 10.99.0.0/24, virtual address 10.99.0.100 --+
                 h1 .11 (host0)                                           h2 .12 (host0)
                    .11 (repl0) ------- replication network 10.98.0.0/24 ------- .12 (repl0)
"""
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))
from support.expect import Failed, expect  # noqa: E402
from support.preload import compiled  # noqa: E402,F401

WORK = os.path.join(ROOT, "build", "e2e")
REPOSITORY = os.path.join(WORK, "repository")
PACKAGES = os.path.join(ROOT, "build", "packages")
LAN, CLIENT = "tandemq-e2e", "tandemq-e2e-client"
VIRTUAL_IP = "10.99.0.100"
# FS_IOC_SHUTDOWN of ext4: what is not on the disk, the file system's log included, never gets there.
WITHOUT_FLUSH = ("import fcntl, os, struct; "
                 'fcntl.ioctl(os.open("/", os.O_RDONLY), 0x8004587D, struct.pack("I", 2))')


def run(*command, seconds=60, check=True, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, **more)
    if check:
        expect(done.returncode == 0,
               f"{' '.join(command)}: {done.returncode} {(done.stdout + done.stderr)[-1500:]}")
    return done


def wait_until(what, condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise Failed(f"not within {seconds} s: {what}")


def inside(namespace, *command):
    """Not `ip netns exec`, which hides the tree of control groups behind a /sys of its own."""
    return ("nsenter", f"--net=/run/netns/{namespace}", "--", *command)


def control_groups():
    """Where version 2 of the control groups is mounted."""
    with open("/proc/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            if line.split()[2] == "cgroup2":
                return line.split()[1]
    raise Failed("no control groups of version 2 are mounted")


class Network:
    def __init__(self):
        self.down()
        for name in (LAN, CLIENT):
            run("ip", "netns", "add", name)
        for bridge in ("service", "replica"):
            run("ip", "-n", LAN, "link", "add", bridge, "type", "bridge")
            run("ip", "-n", LAN, "link", "set", bridge, "up")
        run("ip", "-n", LAN, "link", "add", "client", "type", "veth", "peer", "name", "eth0", "netns",
            CLIENT)
        run("ip", "-n", LAN, "link", "set", "client", "master", "service", "up")
        run("ip", "-n", CLIENT, "addr", "add", "10.99.0.50/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            run("ip", "-n", CLIENT, "link", "set", device, "up")

    @staticmethod
    def down():
        for name in (CLIENT, LAN):
            run("ip", "netns", "del", name, check=False)


class Host:
    def __init__(self, number, image):
        self.number, self.name = number, f"h{number}"
        self.folder = os.path.join(WORK, self.name)
        self.root, self.disk = (os.path.join(self.folder, part) for part in ("root", "disk.ext4"))
        self.group = os.path.join(control_groups(), f"tandemq-e2e-{self.name}")
        self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.root)
        run("cp", "--sparse=always", image, self.disk)

    def boot(self):
        """Returns when systemd says that it is done. A host that reboots itself comes back by itself."""
        os.makedirs(self.group, exist_ok=True)
        with open(os.path.join(self.folder, "console.log"), "a", encoding="utf-8") as console:
            self.process = subprocess.Popen(
                [os.path.join(HERE, "boot.sh"), self.name, str(self.number), self.disk, self.root,
                 self.group, REPOSITORY, LAN], stdin=subprocess.DEVNULL, stdout=console,
                stderr=console, start_new_session=True)
        self.wait_up()

    def wait_up(self, seconds=60):
        wait_until(f"{self.name} is up", lambda: self.sh("systemctl is-system-running", check=False)
                   .stdout.strip() in ("running", "degraded"), seconds)

    def leader(self):
        """The pid of its PID 1 as this machine sees it, None when it is off."""
        try:
            with open(os.path.join(self.folder, "nspawn.pid"), encoding="utf-8") as file:
                nspawn = file.read().strip()
            with open(f"/proc/{nspawn}/task/{nspawn}/children", encoding="utf-8") as file:
                return file.read().split()[0]
        except (OSError, IndexError):
            return None

    def sh(self, command, seconds=60, check=True):
        """A shell command on the host."""
        leader = self.leader()
        if leader is None:
            expect(not check, f"{self.name} is off")
            return subprocess.CompletedProcess(command, 255, "", "off")
        return run("nsenter", "-t", leader, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--",
                   "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
                   "DEBIAN_FRONTEND=noninteractive", "sh", "-c", command, seconds=seconds, check=check)

    def write(self, path, text, owner="root:root", mode="644"):
        with open(os.path.join(self.folder, "written"), "w", encoding="utf-8") as file:
            file.write(text)
        leader = self.leader()
        with open(os.path.join(self.folder, "written"), encoding="utf-8") as file:
            run("nsenter", "-t", leader, "-m", "-r", "--", "/usr/bin/sh", "-c",
                f"/usr/bin/cat >{path} && /usr/bin/chown {owner} {path} && /usr/bin/chmod {mode} {path}",
                stdin=file)

    def copy(self, file, path):
        """Of this machine's disk."""
        with open(file, "rb") as content:
            run("nsenter", "-t", self.leader(), "-m", "-r", "--", "/usr/bin/sh", "-c", f"/usr/bin/cat >{path}",
                stdin=content)

    def port(self, network):
        """The other end of its cable to the network service or replica."""
        return {"service": f"vb-{self.name}", "replica": f"replica{self.number}"}[network]

    def cable(self, network, state):
        run("ip", "-n", LAN, "link", "set", self.port(network), state)

    def cut_power(self):
        """All at one instant: nobody there sees the cables go, and nothing more gets to the disk."""
        self.tell_group("cgroup.freeze", 1)
        for network in ("service", "replica"):
            self.cable(network, "down")
        self.sh(f"python3 -c '{WITHOUT_FLUSH}'")
        self.off()
        for network in ("service", "replica"):   # else they are there until the kernel has cleaned up
            run("ip", "-n", LAN, "link", "del", self.port(network), check=False)

    def tell_group(self, file, what):
        with open(os.path.join(self.group, file), "w", encoding="utf-8") as group:
            group.write(str(what))

    def off(self):
        """Everything of it ends at once."""
        if os.path.isdir(self.group):
            self.tell_group("cgroup.kill", 1)
            self.tell_group("cgroup.freeze", 0)   # the group may outlive its processes for a while
        if self.process:
            self.process.wait(20)
            self.process = None
        run("find", self.group, "-depth", "-type", "d", "-delete", check=False)
