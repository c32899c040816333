"""`./run demo --watch`: a pair under load, a Prometheus that asks it, and the boards as a page on this host."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

from testbed import ROOT, VIRTUAL_IP, Failed, measuring, peer_of, read_result

MONITORING = os.path.join(ROOT, "packaging", "monitoring")
PAGE = os.path.join(MONITORING, "page")
WORK = os.path.join(ROOT, "build", "watch")
sys.path.insert(0, PAGE)
import serve  # noqa: E402

ROUND_S = 120   # after each, the load says what was lost
BEFORE_S, AWAY_S, AFTER_S = 45, 20, 40   # the failover in the pictures
PICTURES = ("tandemq-pair", "tandemq-failover:25", "tandemq-storage:20", "tandemq-load:8")


def say(text=""):
    print(text, flush=True)


def ran(command, log, what):
    """Runs it in the folder of the page's copy; what it says is in the log."""
    with open(log, "w", encoding="utf-8") as out:
        try:
            done = subprocess.run(command, cwd=os.path.dirname(log), stdout=out, stderr=subprocess.STDOUT, check=False)
        except FileNotFoundError:
            raise Failed(f"there is no {command[0]}; Debian's are npm and nodejs") from None
    if done.returncode:
        with open(log, encoding="utf-8", errors="replace") as said:
            raise Failed(f"{what}: {said.read().strip()[-400:]}\n({os.path.relpath(log, ROOT)})")


def page_built():
    """The folder of the page. npm fetches Grafana's components once, and again when others are wanted."""
    copy = os.path.join(WORK, "page")
    shutil.copytree(PAGE, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    with open(os.path.join(copy, "package-lock.json"), encoding="utf-8") as file:
        wanted = file.read()
    stamp = os.path.join(copy, "node_modules", "installed.json")
    have = None
    if os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as file:
            have = file.read()
    if have != wanted:
        say("   npm fetches Grafana's components: a minute and 430 MB in build/watch, once")
        ran(["npm", "ci"], os.path.join(copy, "npm.log"), "npm could not fetch Grafana's components (`npm config get registry` "
                                                          "says whom it asks)")
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(wanted)
    target = os.path.join(WORK, "www")
    ran(["node", "build.js", target], os.path.join(copy, "build.log"), "the page could not be built")
    return target


def prometheus_config():
    """The example that is shipped names the lab's addresses; asked every second, and nobody to alert."""
    with open(os.path.join(MONITORING, "prometheus", "prometheus.example.yml"), encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"_interval: \w+", "_interval: 1s", text)
    text = re.sub(r"rule_files: .*", f"rule_files: [{MONITORING}/prometheus/tandemq.rules.yml]", text)
    text = re.sub(r"alerting:\n(  .*\n)+", "", text)
    return text.replace("plant-1", "demo")


class Prometheus:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        folder = os.path.join(WORK, "prometheus")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        config, self.log = os.path.join(folder, "prometheus.yml"), os.path.join(folder, "prometheus.log")
        with open(config, "w", encoding="utf-8") as file:
            file.write(prometheus_config())
        program = shutil.which("prometheus")
        if not program:
            raise Failed("there is no prometheus; Debian's package is prometheus")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [program, f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log, start_new_session=True)

    def wait_ready(self):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(self.url + "/-/ready", timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise Failed(f"Prometheus did not start (is its port {self.url.rsplit(':', 1)[1]} free?), see {os.path.relpath(self.log, ROOT)}")

    def end(self):
        self.process.terminate()
        self.process.wait()


class Clients(threading.Thread):
    """tandemq-bench, round after round; each round's verdict is said."""

    def __init__(self, bed):
        super().__init__(daemon=True)
        self.bed, self.over, self.process, self.begun = bed, False, None, 0.0
        self.start()

    def run(self):
        while not self.over:
            self.begun = time.monotonic()
            with open(os.path.join(self.bed.folder, "bench.log"), "a", encoding="utf-8") as errors:
                self.process = subprocess.Popen(measuring(
                    "client", os.path.join(self.bed.bin, "tandemq-bench"), "failover", "--host", VIRTUAL_IP, "--pubs", "20",
                    "--subs", "20", "--rate", "1000", "--seconds", str(ROUND_S), "--drain", "10", "--json", "--quiet"),
                    stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
            if self.over:
                self.process.send_signal(signal.SIGINT)
            out, _ = self.process.communicate()
            self.tell(out)

    def tell(self, out):
        try:
            result = read_result(json.loads(out))
        except (ValueError, KeyError):
            say("   clients: nobody served them")
            time.sleep(1)
            return
        say(f"   clients, {time.monotonic() - self.begun:.0f} s: acknowledged {result['acknowledged']}, lost {result['lost']}, "
            f"duplicates {result['duplicates']}, longest gap {result['gap_ms']:.0f} ms")

    def end(self):
        self.over = True
        if self.process:
            self.process.send_signal(signal.SIGINT)   # it gives its verdict
        self.join()


def hints(bed, url):
    primary = bed.primary()
    say(f"{url}    the boards, drawn with Grafana's components")
    say("In another terminal:")
    say(f"  ./run lab kill {primary} broker         the broker dies, and is started again after 100 ms")
    say(f"  ./run lab kill {primary} host           power off; ./run lab heal brings it back")
    say(f"  ./run lab exec {primary} tandemqctl switchover")
    say("Ctrl-C takes everything down.")


def pictures(bed, url, folder):
    """The primary's host loses power under load and comes back; the boards of that time as pictures."""
    os.makedirs(folder, exist_ok=True)
    begun = time.time()
    say(f"   {BEFORE_S} s as it should be")
    time.sleep(BEFORE_S)
    primary = bed.primary()
    bed.lab("kill", primary, "host")
    say(f"   host of node {primary} killed, for {AWAY_S} s")
    time.sleep(AWAY_S)
    if bed.primary() != peer_of(primary):
        raise Failed(f"node {peer_of(primary)} did not take over")
    bed.lab("heal")
    say(f"   node {primary} is back; {AFTER_S} s more")
    time.sleep(AFTER_S)
    ran(["node", "pictures.js", url, os.path.abspath(folder), str(int(begun * 1000)), str(int(time.time() * 1000)), *PICTURES],
        os.path.join(WORK, "page", "pictures.log"), "no pictures")
    say(f"   {folder}: {', '.join(sorted(os.listdir(folder)))}")


def watched(bed, port, url, folder_of_pictures):
    prometheus = clients = None
    try:
        say("2. A pair comes up, and a Prometheus that asks its four daemons every second")
        bed.lab("down")
        bed.up("--restart")
        prometheus = Prometheus(port + 1)
        prometheus.wait_ready()
        say("3. 20 publishers, 20 persistent subscribers, 1,000 messages/s, QoS 1 and 2")
        clients = Clients(bed)
        if folder_of_pictures:
            pictures(bed, url, folder_of_pictures)
            return
        hints(bed, url)
        while True:
            time.sleep(3600)
    finally:
        for part in (clients, prometheus):
            if part:
                part.end()
        bed.lab("down")


def watch(bed, port, folder_of_pictures):
    """Until Ctrl-C, or until the pictures are made."""
    try:
        page = serve.server(os.path.join(WORK, "www"), f"http://127.0.0.1:{port + 1}", port)
    except OSError as error:
        raise Failed(f"port {port} of 127.0.0.1: {error.strerror}; --port N chooses another") from None
    with page:
        say("1. The page")
        page_built()
        threading.Thread(target=page.serve_forever, daemon=True).start()
        try:
            watched(bed, port, f"http://127.0.0.1:{port}", folder_of_pictures)
        finally:
            page.shutdown()
