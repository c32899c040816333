"""The clients that people use, by TCP, TLS and secure WebSocket, through the death of their broker."""
import base64
import hashlib
import json
import os
import shutil
import subprocess
import threading
import time

from registry import case
from testbed import ROOT, VIRTUAL_IP, expect, in_node, peer_of
from support.expect import Skipped  # testbed has put it into reach
from support.pki import Pki

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients")
FOLDER = os.path.join(ROOT, "build", "clients")
MQTT_JS = "mqtt@5.16.0"
TLS, WSS, WSS_OF_PAGES = 8883, 8884, 8885
SECONDS = 30     # how long each of them publishes
FAULT_AT_S = 2   # after the last of them has begun
PAGES = 8000
CA = os.path.join(FOLDER, "authority.pem")


def fronts():
    cert, key = Pki(FOLDER).issue("broker", names=f"IP:{VIRTUAL_IP}")
    path = os.path.join(FOLDER, "fronts.toml")
    by_tls = f'address = "0.0.0.0"\ncertfile = "{cert}"\nkeyfile = "{key}"\nallow_anonymous = true\n'
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'[[listener]]\nname = "tls"\nport = {TLS}\n{by_tls}')
        # Programs name no origin, which a listener for listed origins refuses.
        for name, port, origin in (("wss", WSS, ""), ("pages", WSS_OF_PAGES, f'"http://127.0.0.1:{PAGES}"')):
            file.write(f'[[listener]]\nname = "{name}"\nport = {port}\nprotocol = "websockets"\n'
                       f'websockets_path = "/mqtt"\nwebsockets_origin = [{origin}]\n{by_tls}')
    return ["--fronts", path]


def tool(name):
    path = shutil.which(name)
    if not path:
        raise Skipped(f"no {name}")
    return path


def npm_modules():
    """Where MQTT.js is; from the registry that npm is set up for."""
    modules = os.path.join(FOLDER, "node_modules")
    command = [tool("npm"), "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock",
               "--fetch-retries=0", MQTT_JS]
    if not os.path.isdir(os.path.join(modules, "mqtt")):
        try:
            subprocess.run(command, cwd=FOLDER, check=True, timeout=40, capture_output=True)
        except subprocess.SubprocessError as error:
            raise Skipped(f"npm could not install {MQTT_JS}") from error
    return modules


class Running:
    """One client program in the client's network, whose last line of output is its result."""

    def __init__(self, bed, name, command):
        self.name, self.errors = name, os.path.join(bed.folder, name + ".log")
        with open(self.errors, "w", encoding="utf-8") as file:
            self.process = subprocess.Popen(in_node("client", *command), stdout=subprocess.PIPE,
                                            stderr=file, text=True)
        bed.loads.append(self)

    def result(self):
        out, _ = self.process.communicate(timeout=SECONDS + 40)
        expect(self.process.returncode == 0 and out, f"{self.name} ended with {self.process.returncode}, "
                                                     f"see {self.errors}")
        return json.loads(out.splitlines()[-1])


def node(bed):
    return Running(bed, "node", [tool("node"), os.path.join(HERE, "mqtt_js.js"), npm_modules(),
                                 f"wss://{VIRTUAL_IP}:{WSS}/mqtt", str(SECONDS), CA])


def python(bed):
    return Running(bed, "python", ["/usr/bin/python3", os.path.join(HERE, "paho_python.py"), VIRTUAL_IP,
                                   str(TLS), str(SECONDS), CA])


def paho_c(bed):
    program = os.path.join(bed.folder, "paho_c")
    if not os.path.exists("/usr/include/MQTTAsync.h"):
        raise Skipped("no libpaho-mqtt-dev")
    subprocess.run([tool("cc"), "-O1", "-o", program, os.path.join(HERE, "paho_c.c"), "-lpaho-mqtt3a"],
                   check=True)
    return Running(bed, "paho_c", [program, f"tcp://{VIRTUAL_IP}:1883", str(SECONDS)])


class Page:
    """A page in Chromium. It is served, and gives back its result, over HTTP in the client's network."""

    def __init__(self, bed):
        chromium, modules = tool("chromium"), npm_modules()
        self.folder = os.path.join(bed.folder, "page")
        os.makedirs(self.folder)
        for path in (os.path.join(HERE, "page.html"), os.path.join(HERE, "mqtt_js.js"),
                     os.path.join(modules, "mqtt", "dist", "mqtt.min.js")):
            shutil.copy(path, self.folder)
        self.server = Running(bed, "pages", ["/usr/bin/python3", os.path.join(HERE, "pages.py"), str(PAGES), self.folder])
        self.browser = Running(bed, "page", [
            chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            f"--user-data-dir={self.folder}/profile", f"--ignore-certificate-errors-spki-list={key_hash()}",
            f"http://127.0.0.1:{PAGES}/page.html?url=wss://{VIRTUAL_IP}:{WSS_OF_PAGES}/mqtt&seconds={SECONDS}"])

    def result(self):
        try:
            return self.server.result()
        finally:
            self.browser.process.kill()
            self.browser.process.communicate()


def key_hash():
    """By which the browser knows the broker, whose authority is no public one."""
    public = subprocess.run(["openssl", "x509", "-in", os.path.join(FOLDER, "broker.pem"), "-noout",
                             "-pubkey"], check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=public, check=True,
                         capture_output=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


class Mosquitto:
    """mosquitto_pub at QoS 1 and 2 to a mosquitto_sub; all keep their sessions, without which QoS 2 may come twice."""

    def __init__(self, bed):
        common = ["-h", VIRTUAL_IP, "-p", str(TLS), "--cafile", CA, "-k", "5", "-V", "311"]
        self.sub = Running(bed, "sub", ["mosquitto_sub", *common, "-i", "sub", "-c", "-q", "2", "-F", "%t %p",
                                        "-t", "real/mosquitto/#", "-W", str(SECONDS + 8)])
        self.pubs = {qos: subprocess.Popen(
            in_node("client", "mosquitto_pub", *common, "-c", "-i", f"pub{qos}", "-q", str(qos),
                      "-t", f"real/mosquitto/{qos}", "-l"),
            stdin=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL) for qos in (1, 2)}
        self.written = {1: [], 2: []}
        self.thread = threading.Thread(target=self.write)
        self.thread.start()

    def write(self):
        end, number = time.monotonic() + SECONDS, 0
        time.sleep(1)  # until the subscription is there
        while time.monotonic() < end:
            for qos, pub in self.pubs.items():
                pub.stdin.write(f"{number}\n")
                pub.stdin.flush()
                self.written[qos].append(number)
                number += 1
            time.sleep(0.02)
        for pub in self.pubs.values():
            pub.stdin.close()

    def result(self):
        """mosquitto_pub ends with 0 when all of its lines are acknowledged."""
        self.thread.join()
        codes = {qos: pub.wait(20) for qos, pub in self.pubs.items()}
        expect(set(codes.values()) == {0}, f"mosquitto_pub ended with {codes}")
        out, _ = self.sub.process.communicate(timeout=30)
        # 27: its time is over. Any other end would look like a loss.
        expect(self.sub.process.returncode == 27, f"mosquitto_sub ended with {self.sub.process.returncode}")
        received = {1: [], 2: []}
        for line in out.splitlines():
            topic, number = line.split()
            received[int(topic[-1])].append(int(number))
        # It does not tell of its connections, nor whether its session was resumed.
        return {"acknowledged": self.written, "received": received, "resumed": None, "connects": None}


class Requests:
    """mosquitto_rr, one request after the other; paho_python.py answers. It gives up when there is no broker:
    whoever calls it tries again."""

    def __init__(self, _bed):
        self.answered, self.again = 0, 0
        self.thread = threading.Thread(target=self.ask)
        self.thread.start()

    def ask(self):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            done = subprocess.run(
                in_node("client", "mosquitto_rr", "-h", VIRTUAL_IP, "-p", str(TLS), "--cafile", CA, "-V", "311",
                        "-q", "1", "-k", "5", "-W", "3", "-t", "real/rr/request", "-e", "real/rr/response",
                        "-m", str(self.answered)),
                capture_output=True, text=True, check=False, timeout=30)
            good = done.stdout.strip() == str(self.answered)
            self.answered += good
            self.again += not good

    def result(self):
        self.thread.join()
        print(f"  mosquitto_rr, TLS: {self.answered} requests answered, {self.again} tried again", flush=True)
        expect(self.answered > 10 and self.again < self.answered, "requests are not answered")


def judge_client(name, result):
    """The sums for the report; Failed says what this client has lost or got twice."""
    lost = {qos: set(result["acknowledged"][qos]) - set(result["received"][qos]) for qos in result["received"]}
    twice = len(result["received"]["2"]) - len(set(result["received"]["2"]))
    acknowledged = sum(map(len, result["acknowledged"].values()))
    count = sum(map(len, lost.values()))
    print(f"  {name}: {acknowledged} acknowledged, {count} lost, {twice} QoS 2 duplicates, "
          f"connections {result['connects']}, sessions resumed {result['resumed']}", flush=True)
    connects, resumed = result["connects"], result["resumed"]
    for qos, numbers in lost.items():
        if numbers:
            print(f"    lost of QoS {qos}: {min(numbers)} to {max(numbers)}", flush=True)
    expect(acknowledged > 100, f"{name}: only {acknowledged} acknowledged")
    expect(connects is None or connects >= 2, f"{name}: it has not lived through the failover")
    expect(resumed is None or resumed >= connects - 1, f"{name}: {resumed} sessions of {connects} were resumed")
    return acknowledged, count, twice


# Those that take longest to start come first.
CLIENTS = {"paho C": paho_c, "MQTT.js in Chromium, wss": Page, "MQTT.js in Node, wss": node,
           "paho Python, TLS": python, "mosquitto_pub and _sub, TLS": Mosquitto}


@case("primary broker killed (-9) under the clients that people use", options=fronts, apart=True)
def real_clients(bed):
    running, skipped = {}, []
    for name, start in CLIENTS.items():
        try:
            running[name] = start(bed)
        except Skipped as why:
            skipped.append(f"{name} ({why})")
    begun = time.monotonic()
    old = bed.primary()
    # One each, and paho's for requests.
    bed.wait("all clients have subscribed", SECONDS, lambda: bed.status(old)["subscriptions"] > len(running))
    running["mosquitto_rr, TLS"] = Requests(bed)
    load = bed.load(seconds=6)
    load.until(FAULT_AT_S)
    bed.kill_broker(old)
    bed.wait_role(peer_of(old), "primary")
    sums = [0, 0, 0]
    for name, client in running.items():
        found = client.result()
        if found:
            found = json.loads(json.dumps(found))  # keys as text, of whatever language
            sums = [a + b for a, b in zip(sums, judge_client(name, found))]
    result = load.finish()
    print(f"  {len(running)} kinds of clients in {time.monotonic() - begun:.0f} s, skipped: "
          f"{', '.join(skipped) or 'none'}", flush=True)
    for key, more in zip(("acknowledged", "lost", "duplicates"), sums):
        result[key] += more
    return result
