#!/usr/bin/python3
"""Breaks one line at a time and asks whether the tests notice: mutants.toml lists the faults.

run.py [NAME...]   each listed fault must make the test that is named beside it fail; a copy of the tree is
                   broken in build/mutants, never the tree itself. Ends with `N passed, M failed`.
run.py --list      what is broken and what finds it, as the table of docs/mutants.md
"""
import argparse
import os
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import listed  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
COPY = os.path.join(ROOT, "build", "mutants", "tree")
BUILD = os.path.join(COPY, "build", "release")  # where the checkout has its own: one compiler cache
# A fault may make a test run for ever: that is noticed too.
SECONDS_MAX = 240

def mutants():
    with open(os.path.join(ROOT, listed.LIST), encoding="utf-8") as f:
        return listed.read(f.read())


def sync_tree():
    """The copy gets every tracked file that differs, so that only what changed is compiled anew."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                           capture_output=True, text=True).stdout.split("\n")
    for name in filter(None, names):
        source, target = os.path.join(ROOT, name), os.path.join(COPY, name)
        if not os.path.isfile(source):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(source, "rb") as f:
            wanted = f.read()
        if os.path.exists(target):
            with open(target, "rb") as f:
                if f.read() == wanted:
                    continue
        shutil.copy(source, target)
    known = set(names)
    for folder, folders, files in os.walk(COPY):
        folders[:] = [f for f in folders if f != "build"]
        for name in files:
            path = os.path.join(folder, name)
            if os.path.relpath(path, COPY) not in known:
                os.remove(path)


def build(*targets):
    return subprocess.run(["ninja", "-C", BUILD, *targets], capture_output=True, text=True, check=False)


def configure():
    """As the preset release, whose compiled files the cache has already."""
    subprocess.run(["cmake", "-G", "Ninja", "-S", COPY, "-B", BUILD,
                    "-DCMAKE_BUILD_TYPE=RelWithDebInfo"], check=True, stdout=subprocess.DEVNULL)


def targets_of(command):
    """A unit program runs by itself; a black-box topic runs the daemons."""
    program = command.split()[0]
    return ["tandemqd", "tandemq-agent", "tandemqctl"] if program == "blackbox" else [program]


def run_test(command):
    """Whether the test passes on what is built now."""
    program, *arguments = command.split()
    if program == "blackbox":
        line = ["/usr/bin/python3", os.path.join(ROOT, "tests", "blackbox", "run.py"), "--prefix",
                os.path.join(BUILD, "bin"), *arguments]
    else:
        line = [os.path.join(BUILD, "bin", program), *arguments]
    try:
        return subprocess.run(line, cwd=BUILD, capture_output=True, timeout=SECONDS_MAX,
                              check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def plant(mutant):
    """The text of the file before, or None where the line to break does not stand there once."""
    path = os.path.join(COPY, mutant["file"])
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if not listed.stands_once(mutant, text):
        return None
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(mutant["old"], mutant["new"]))
    return text


def verdict(mutant):
    """None when the fault was noticed, else why not."""
    text = plant(mutant)
    if text is None:
        return f"the line to break does not stand once in {mutant['file']}: {mutant['old']}"
    try:
        built = build(*targets_of(mutant["found_by"]))
        if built.returncode != 0:
            return "the broken tree does not compile: " + built.stdout[-400:]
        return "nothing noticed it" if run_test(mutant["found_by"]) else None
    finally:
        with open(os.path.join(COPY, mutant["file"]), "w", encoding="utf-8") as f:
            f.write(text)


def healthy(chosen):
    """Tests that fail without any fault would prove nothing."""
    commands = sorted({m["found_by"] for m in chosen})
    built = build(*sorted({t for c in commands for t in targets_of(c)}))
    if built.returncode != 0:
        sys.exit("mutants: the tree does not build: " + built.stdout[-800:])
    broken = [c for c in commands if not run_test(c)]
    if broken:
        sys.exit("mutants: these fail without any fault: " + ", ".join(broken))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="words that the names of the faults contain")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        print(listed.page(mutants()), end="")
        return 0
    chosen = [m for m in mutants()
              if not options.names or any(n in m["name"] for n in options.names)]
    if not chosen:
        parser.error("no fault has a name with " + " or ".join(options.names) + " (--list)")
    sync_tree()
    configure()
    print("builds the healthy tree and its tests", flush=True)
    healthy(chosen)
    failed = 0
    for mutant in chosen:
        begun = time.monotonic()
        why = verdict(mutant)
        failed += why is not None
        print(f"mutant {mutant['name']}: {why or 'found by ' + mutant['found_by']} "
              f"({time.monotonic() - begun:.0f} s)", flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
