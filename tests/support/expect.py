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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
