#!/usr/bin/python3
"""Serves the page of the boards on 127.0.0.1, and passes on what it asks of a Prometheus.

serve.py FOLDER [--prometheus URL] [--port N]    FOLDER: what build.js made
"""
import argparse
import functools
import http.server
import json
import os
import re
import sys
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import boards  # noqa: E402

ASKED = re.compile(r"/api/v1/(query|query_range|targets|label/\w+/values)(\?[^#]*)?")
TIMEOUT_S = 10


def fetched(url):
    """(status, body) of what a Prometheus answers; its refusals are answers, too."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()
    except OSError as error:
        return 502, json.dumps({"status": "error", "error": f"nothing came from {url.split('/api/')[0]}: {error}"}).encode()


class Handler(http.server.SimpleHTTPRequestHandler):
    """The files of the page, the boards, and the few paths of Prometheus that boards need."""

    def __init__(self, *arguments, prometheus, **more):
        self.prometheus = prometheus
        super().__init__(*arguments, **more)

    def do_GET(self):
        if self.path == "/boards.json":
            self.answer(200, json.dumps(boards.ALL).encode())
        elif not self.path.startswith("/api/"):
            super().do_GET()
        elif ASKED.fullmatch(self.path):
            self.answer(*fetched(self.prometheus + self.path))
        else:
            self.answer(404, b'{"status": "error", "error": "not passed on"}')

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def server(folder, prometheus, port):
    """Bound to 127.0.0.1, not yet serving; an OSError where the port is taken."""
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(
        Handler, directory=folder, prometheus=prometheus.rstrip("/")))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", metavar="URL")
    parser.add_argument("--port", type=int, default=8090)
    options = parser.parse_args()
    if not os.path.exists(os.path.join(options.folder, "main.js")):
        sys.exit(f"serve.py: no page in {options.folder}: node build.js {options.folder} makes it")
    try:
        served = server(options.folder, options.prometheus, options.port)
    except OSError as error:
        sys.exit(f"serve.py: port {options.port} of 127.0.0.1: {error.strerror}; --port chooses another")
    print(f"http://127.0.0.1:{options.port}", flush=True)
    try:
        served.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
