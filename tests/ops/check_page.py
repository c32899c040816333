"""The page that draws the boards (packaging/monitoring/page): its server, what it asks for, and its packages. That Grafana's
components draw them is seen with npm alone: `./run demo --pictures`."""
import contextlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request

from check_boards import ROOT, panels

PAGE = os.path.join(ROOT, "packaging", "monitoring", "page")
sys.path[:0] = [PAGE, os.path.join(ROOT, "tests", "ha")]
import serve  # noqa: E402
import watch  # noqa: E402


class Prometheus(http.server.BaseHTTPRequestHandler):
    """Says back what it was asked; a refusal of what contains "wrong"."""

    def do_GET(self):
        self.send_response(400 if "wrong" in self.path else 200)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def got(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def served():
    """Sentences about what the page's server does wrong."""
    prometheus = http.server.HTTPServer(("127.0.0.1", 0), Prometheus)
    with serving(prometheus) as behind, serving(serve.server(PAGE, behind + "/", 0)) as page:
        for path in ("/api/v1/query?query=up", "/api/v1/query_range?query=a%2Bb&step=1", "/api/v1/label/pair/values",
                     "/api/v1/targets?state=active"):
            if got(page + path) != (200, path):
                yield f"{path} is not passed on: {got(page + path)}"
        if got(page + "/api/v1/query?query=wrong") != (400, "/api/v1/query?query=wrong"):
            yield "what Prometheus says of a wrong query is not told"
        for path in ("/api/v1/admin/tsdb/snapshot", "/api/v1/status/config", "/api/v1/label/a/../../admin/values"):
            if got(page + path)[0] != 404:
                yield f"{path} is passed on: {got(page + path)}"
        status, text = got(page + "/boards.json")
        if status != 200 or [board["uid"] for board in json.loads(text)] != [board["uid"] for board in serve.boards.ALL]:
            yield "/boards.json does not hold the boards"
        if 'id="page"' not in got(page + "/index.html")[1]:
            yield "index.html is not served"
    with serving(serve.server(PAGE, behind, 0)) as page:
        status, text = got(page + "/api/v1/query?query=up")
        if status != 502 or f"nothing came from {behind}:" not in json.loads(text)["error"]:
            yield f"of a Prometheus that is not there it says {status} {text}"


def drawn():
    """Kinds of panels that the page does not know."""
    with open(os.path.join(PAGE, "src", "panels.jsx"), encoding="utf-8") as file:
        kinds = set(re.findall(r'"?([\w-]+)"?: \w+', re.search(r"KINDS = \{(.*?)\}", file.read())[1]))
    for kind in sorted({panel["type"] for _, panel in panels()} - kinds):
        yield f"src/panels.jsx draws no {kind}"


def packages():
    """Versions are fixed, and from the registry that npm is set up for."""
    with open(os.path.join(PAGE, "package.json"), encoding="utf-8") as file:
        wanted = json.load(file)["dependencies"]
    with open(os.path.join(PAGE, "package-lock.json"), encoding="utf-8") as file:
        locked = json.load(file)["packages"]
    for name, version in wanted.items():
        if not re.fullmatch(r"\d+\.\d+\.\d+", version):
            yield f"package.json: {name} {version} is no one version"
    if locked[""]["dependencies"] != wanted:
        yield "package-lock.json is of another package.json: npm install --package-lock-only"
    for name, package in locked.items():
        if name and ("resolved" in package or "integrity" not in package):
            yield f"package-lock.json: {name} names a registry, or no hash: npm install --package-lock-only"


def asks(folder):
    """The configuration of the Prometheus of `./run demo --watch`."""
    config = os.path.join(folder, "watch.yml")
    with open(config, "w", encoding="utf-8") as file:
        file.write(watch.prometheus_config())
    done = subprocess.run(["promtool", "check", "config", config], capture_output=True, text=True, check=False)
    if done.returncode or " rules found" not in done.stdout:
        yield done.stdout + done.stderr
    with open(config, encoding="utf-8") as file:
        text = file.read()
    if text.count("pair: demo") != 4 or "scrape_interval: 1s" not in text or "alerting" in text:
        yield f"not what the demo wants:\n{text}"


def check(folder):
    """Sentences about what is wrong."""
    return [*served(), *drawn(), *packages(), *asks(folder)]
