"""A request over the control socket of a broker or an agent (docs/control-protocol.md)."""
import json
import socket
import time


class Unreachable(ConnectionError):
    """The daemon does not answer: dead, stopped, not yet listening, or still reading its data."""


def connect(connection, path, deadline):
    """A socket with a time limit does not wait where the listener's queue is full, but fails at once."""
    connection.setblocking(False)
    while True:
        try:
            return connection.connect(path)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.002)


def ask(path, cmd, timeout=1.0, **arguments):
    """One request, its answer as a dict, one with ok=false as well. Raises Unreachable."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connect(connection, path, time.monotonic() + timeout)
            connection.settimeout(timeout)
            connection.sendall(json.dumps({"cmd": cmd, "id": 1, **arguments}).encode() + b"\n")
            line = connection.makefile("rb").readline()
        except OSError as error:
            raise Unreachable(f"{path}: {error}") from error
    if not line.endswith(b"\n"):
        raise Unreachable(f"{path}: the connection was closed")
    answer = json.loads(line)
    if answer.get("code") == "recovering":
        raise Unreachable(f"{path}: {answer['error']}")
    return answer
