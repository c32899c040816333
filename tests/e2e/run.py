#!/usr/bin/python3
"""The packages on two booted hosts: `./run e2e`. Ends with `N passed, M failed`.

run.py [--list] [--keep] [CASE...]     cases are those of cases*.py; with CASE only those, on a fresh pair
"""
import argparse
import glob
import hashlib
import os
import signal
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import cases_ansible  # noqa: E402
import cases_faults  # noqa: E402
import cases_monitoring  # noqa: E402
import cases_upgrade  # noqa: E402
import hosts  # noqa: E402
from pair import Load, Pair, unpack  # noqa: E402
from report import Report  # noqa: E402

# The files in their order, and which cases, also of files before, the others of each build on.
PACKAGES_PAIR = ("a_broker_by_itself_explains_itself", "two_hosts_become_a_pair")
PLAYBOOK_PAIR = ("the_playbook_makes_two_bare_hosts_a_pair",)
NEEDED = {cases: PACKAGES_PAIR, cases_faults: PACKAGES_PAIR, cases_upgrade: PACKAGES_PAIR, cases_ansible: PLAYBOOK_PAIR,
          cases_monitoring: PLAYBOOK_PAIR + ("certificates_are_made_handed_out_and_changed", "a_third_host_watches_them")}


def image():
    """Made anew when what is in it changes."""
    script = os.path.join(hosts.HERE, "image.sh")
    with open(script, "rb") as file:
        key = hashlib.sha256(file.read()).hexdigest()[:12]
    path = os.path.join(hosts.WORK, f"base-{key}.ext4")
    if not os.path.exists(path):
        hosts.run(script, path, seconds=600)
    return path


def run_case(function, pair, report):
    name = function.__name__.replace("_", " ")
    begun = time.monotonic()
    Load.last, error = None, None
    try:
        told = function(pair) or ""
    except Exception as caught:  # pylint: disable=broad-except  # a broken case must not hide the others
        error = caught
        if not isinstance(error, hosts.Failed):
            traceback.print_exc()
    finally:
        if Load.last:
            Load.last.end()
    took = time.monotonic() - begun
    print(f"FAILED {name}: {error}" if error else f"ok     {name} ({took:.0f} s) {told}", flush=True)
    report.add(name, not error, took, Load.last)
    return not error


def run_all(wanted, base, keep):
    network = hosts.Network()
    both, pair, report = [], None, Report(len(wanted))
    try:
        both = [hosts.Host(number, base) for number in (1, 2)]
        for host in both:
            host.boot()
        pair = Pair(both, base)
        for function in wanted:
            if not run_case(function, pair, report):
                keep_logs(both)
                if any(function.__name__ in names for names in NEEDED.values()):
                    break
        return report.passed
    finally:
        if not keep:
            for host in both + (pair.more if pair else []):
                host.off()
            network.down()


def keep_logs(both):
    for host in both:
        with open(os.path.join(host.folder, "journal.log"), "w", encoding="utf-8") as file:
            file.write(host.sh("journalctl -b -o short-precise --no-pager", check=False).stdout)


def chosen(words):
    """The cases that one of the words is in, and what those need; without words all."""
    all_cases = {function: file for file in NEEDED for function in file.CASES}
    named = [f for f in all_cases if not words or any(word in f.__name__ for word in words)]
    needed = {name for function in named for name in NEEDED[all_cases[function]]}
    return [f for f in all_cases if f in named or f.__name__ in needed]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave the hosts running")
    options = parser.parse_args()
    if options.list:
        print("\n".join(function.__name__ for file in NEEDED for function in file.CASES))
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)   # it takes its hosts down, as when interrupted
    wanted = chosen(options.names)
    os.makedirs(hosts.WORK, exist_ok=True)
    base = image()
    hosts.run(os.path.join(hosts.HERE, "repository.sh"), hosts.PACKAGES, base, hosts.REPOSITORY, seconds=300)
    unpack(glob.glob(os.path.join(hosts.PACKAGES, "tandemq-bench_*.deb")) +
           glob.glob(os.path.join(hosts.PACKAGES, "tandemq-tools_*.deb")))
    begun = time.monotonic()
    passed = run_all(wanted, base, options.keep)
    print(f"took {time.monotonic() - begun:.0f} s")
    print(f"{passed} passed, {len(wanted) - passed} failed")
    return 0 if passed == len(wanted) else 1


if __name__ == "__main__":
    sys.exit(main())
