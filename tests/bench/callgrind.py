"""A process under callgrind: what it executes between two questions, by function."""
import collections
import re
import subprocess

TOOL = ["valgrind", "--tool=callgrind", "--quiet"]
FUNCTION = re.compile(r"(c?)fn=\((\d+)\)(?: (.*))?$")


class CallgrindFailed(Exception):
    """valgrind does not answer; the text says why."""


def command(file):
    """Runs what follows it; what it counts goes to FILE.1, FILE.2, … whenever it is asked."""
    return [*TOOL, f"--callgrind-out-file={file}"]


def read_profile(file):
    """{function: instructions executed in itself} of a file that callgrind wrote."""
    names, spent = {}, collections.Counter()
    function, of_callee = None, False
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            found = FUNCTION.match(line)
            if found:
                callee, number, name = found.groups()
                if name:
                    names[number] = name
                if not callee:
                    function = number
            elif line.startswith("calls="):
                of_callee = True  # the next line is what was spent inside the call
            elif line[0] in "+-*0123456789":
                if not of_callee:
                    spent[function] += int(line.split()[1])
                of_callee = False
    by_name = collections.Counter()
    for number, instructions in spent.items():
        by_name[names.get(number, number)] += instructions
    return by_name


class Counter:
    """The instructions of the process `pid`, started with command(file)."""

    def __init__(self, pid, file):
        self.pid, self.file, self.dumps = pid, file, 0

    def ask(self, request):
        try:
            done = subprocess.run(["vgdb", f"--pid={self.pid}", request], capture_output=True,
                                  text=True, check=False, timeout=60)
        except subprocess.TimeoutExpired:
            raise CallgrindFailed(f"no answer to {request} within 60 s") from None
        if done.returncode != 0:
            raise CallgrindFailed(f"vgdb {request}: {done.stderr.strip()}")

    def start(self):
        self.ask("zero")

    def spent(self):
        """By function, since start() or the last call."""
        self.ask("dump")
        self.dumps += 1
        return read_profile(f"{self.file}.{self.dumps}")
