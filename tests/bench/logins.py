#!/usr/bin/python3
"""Clients with passwords that all come back at once after a failover: how long until the last one is
served, and how long the loop of the new primary stood still meanwhile.

logins.py [--clients 2000] [--iterations 101,10000] [--prefix DIR] [--rounds 3]
A pair; its clients have persistent sessions. The primary is killed, the standby promoted, and they
all connect to it in the same moment; who is refused or closed tries again. Prints one line for each
round: the longest turn on the clock and of the processor (turn_clock.c), and how many turns slept.
"""
import argparse
import os
import selectors
import shutil
import socket
import statistics
import struct
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))
from support.broker import Context  # noqa: E402
from support.expect import Failed  # noqa: E402
from support.pair import Pair  # noqa: E402
from support.passwords import write_passwords  # noqa: E402
from support.turn_clock import TurnClock  # noqa: E402
from support.wire import CONNECT, packet, text, varint  # noqa: E402

USERS = 20
PATIENCE_S = 120


def connect_packet(n):
    user = n % USERS
    body = text("MQTT") + bytes([5, 0xc0]) + struct.pack("!H", 0)
    properties = b"\x11" + struct.pack("!I", 3600)
    body += varint(len(properties)) + properties
    body += text(f"client{n}") + text(f"user{user}") + text(f"secret{user}")
    return packet(CONNECT, 0, body)


class Crowd:
    """Clients that connect at once and stay."""

    def __init__(self, port, count):
        self.port, self.count = port, count
        self.selector = selectors.DefaultSelector()
        self.served, self.again = set(), 0
        self.sockets = {}

    def dial(self, n):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", self.port))
        self.sockets[n] = one
        self.selector.register(one, selectors.EVENT_WRITE, n)

    def lost(self, n):
        one = self.sockets.pop(n)
        self.selector.unregister(one)
        one.close()
        self.again += 1
        self.dial(n)

    def handle(self, one, n, events):
        try:
            if events & selectors.EVENT_WRITE:
                one.sendall(connect_packet(n))
                self.selector.modify(one, selectors.EVENT_READ, n)
                return
            got = one.recv(4096)
        except OSError:
            got = b""
        if len(got) < 4 or got[0] != 0x20 or got[3] != 0:
            return self.lost(n)
        self.served.add(n)
        self.selector.unregister(one)

    def come(self):
        """Seconds until all are served."""
        begun = time.monotonic()
        for n in range(self.count):
            self.dial(n)
        while len(self.served) < self.count:
            if time.monotonic() - begun > PATIENCE_S:
                raise Failed(f"{self.count - len(self.served)} not back in {PATIENCE_S} s")
            for key, events in self.selector.select(1):
                self.handle(key.fileobj, key.data, events)
        return time.monotonic() - begun

    def close(self):
        for one in self.sockets.values():
            one.close()
        self.selector.close()


def measure(prefix, clients, iterations):
    """Seconds until all were back, how many tried again, and what TurnClock read."""
    folder = tempfile.mkdtemp(prefix="tmq-logins-")
    context = Context(folder, prefix, None)
    try:
        passwords = os.path.join(folder, "passwords")
        write_passwords(passwords, {f"user{n}": f"secret{n}" for n in range(USERS)}, iterations)
        clock = TurnClock(folder)
        pair = Pair(context, auth_password_file=passwords, log_level="warning")
        pair.start(env={"b": clock.env})
        crowd = Crowd(pair.a.port, clients)
        crowd.come()
        pair.take_over(pair.b, pair.a)
        crowd.close()
        clock.restart()
        crowd = Crowd(pair.b.port, clients)
        seconds = crowd.come()
        turns = clock.read()
        crowd.close()
        return seconds, crowd.again, turns
    finally:
        context.close()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--iterations", default="101,10000")
    parser.add_argument("--prefix", default=os.path.join(ROOT, "build", "release", "bin"))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for iterations in map(int, options.iterations.split(",")):
        results = []
        for number in range(options.rounds):
            seconds, again, turns = measure(options.prefix, options.clients, iterations)
            results.append((seconds, turns.clock_ms, turns.processor_ms))
            print(f"{iterations:6} iterations, round {number + 1}: all {options.clients} back in "
                  f"{seconds:6.2f} s, tried again {again}, {turns.count} turns, "
                  f"longest {turns.clock_ms:5.1f} ms, of the processor {turns.processor_ms:5.1f} ms, "
                  f"slept {turns.slept}", flush=True)
        seconds, clock, processor = (statistics.median(column) for column in zip(*results))
        print(f"{iterations:6} iterations, median: {seconds:6.2f} s, longest turn {clock:5.1f} ms, "
              f"of the processor {processor:5.1f} ms", flush=True)


if __name__ == "__main__":
    main()
