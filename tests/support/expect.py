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


def alone(test):
    """Decorates a test that judges time so finely that no other may run beside it."""
    test.alone = True
    return test


def is_alone(test):
    return getattr(test, "alone", False)


_given_ports = set()
_ports = (0, 1)


def share_ports(index, shares):
    """From now on this process gives only its part of the ports: others run beside it."""
    global _ports  # pylint: disable=global-statement
    _ports = (index, shares)


def free_port():
    """One that nobody has, and that this run was not given before."""
    index, shares = _ports
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # The kernel prefers every second one.
        if port not in _given_ports and port // 2 % shares == index:
            _given_ports.add(port)
            return port
