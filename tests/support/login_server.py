"""A web server that is asked who may come in, as its users would write one."""
import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LoginServer:
    """`answer` maps a user name to what is said: a dict, a status, or bytes; others are refused."""

    def __init__(self, port=0, tls=None):
        """`tls`: an SSLContext of a server."""
        self.answer, self.asked, self.headers, self.delay_s = {}, [], [], 0
        self.password = None  # the only right one; None: any is
        login_server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                login_server.asked.append(question)
                login_server.headers.append(dict(self.headers))
                time.sleep(login_server.delay_s)
                said = login_server.answer.get(question["username"], 401)
                if login_server.password not in (None, question["password"]):
                    said = 401
                with contextlib.suppress(OSError):   # who asked has gone
                    self.say(said)

            def say(self, said):
                body = b"" if isinstance(said, int) else said
                if isinstance(said, dict):
                    body = json.dumps(said).encode()
                self.send_response(said if isinstance(said, int) else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        ThreadingHTTPServer.request_queue_size = 64
        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/mqtt"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
