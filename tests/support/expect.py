"""What tests expect, and how they say that it did not come true."""
import socket
import time


class Failed(Exception):
    """An expectation that did not come true; the text says which."""


class Skipped(Exception):
    """The test cannot run here; the text says why."""


def expect(condition, text):
    if not condition:
        raise Failed(text)


def wait_until(condition, text, seconds=20):
    """Waits for condition() to be true and returns its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise Failed(f"not within {seconds} s: {text}")


_given_ports = set()


def free_port():
    """One that nobody has, and that this run was not given before."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _given_ports:
            _given_ports.add(port)
            return port
