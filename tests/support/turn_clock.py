"""The turns of a broker's loop, seen from outside (turn_clock.c)."""
import os
import struct
from collections import namedtuple

from support.preload import compiled

NS_PER_MS = 1e6

# How many, the longest on the clock and of the processor in ms, and how many slept in a call.
Turns = namedtuple("Turns", "count clock_ms processor_ms slept")


class TurnClock:
    """Of the broker that is started with `env`."""
    FIGURES = struct.Struct("=4Q")

    def __init__(self, folder):
        self.file = os.path.join(folder, "turns")
        self.env = {"TURN_CLOCK": self.file, "LD_PRELOAD": compiled("turn_clock", folder)}

    def restart(self):
        with open(self.file, "r+b") as file:
            file.write(bytes(self.FIGURES.size))

    def read(self):
        with open(self.file, "rb") as file:
            count, clock, processor, slept = self.FIGURES.unpack(file.read())
        return Turns(count, clock / NS_PER_MS, processor / NS_PER_MS, slept)
