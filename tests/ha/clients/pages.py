"""pages.py PORT FOLDER: serves a folder until a page posts its result, and prints that."""
import functools
import http.server
import sys


class Pages(http.server.SimpleHTTPRequestHandler):
    def do_POST(self):  # pylint: disable=invalid-name
        self.server.result = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(204)
        self.end_headers()


def main():
    port, folder = sys.argv[1:]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)),
                                             functools.partial(Pages, directory=folder))
    server.result = None
    while not server.result:
        server.handle_request()
        # A request has a thread of its own, which may not have read it yet.
        server.timeout = 0.1
    print(server.result)


main()
