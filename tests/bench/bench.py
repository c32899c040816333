#!/usr/bin/python3
"""Measures TandeMQ, alone and as a pair, beside Debian's mosquitto: the same work for each, by turns,
each broker started fresh; the median of several rounds, as ratios. Called by ./run bench."""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FOLDER = os.path.join(ROOT, "build", "bench")
sys.path.insert(0, HERE)
import brokers  # noqa: E402
import callgrind  # noqa: E402
import instructions  # noqa: E402
import works  # noqa: E402

KINDS = {kind.name: kind for kind in (brokers.Mosquitto, brokers.Single, brokers.Pair,
                                       brokers.PairTls)}


def say(text):
    print(text, file=sys.stderr, flush=True)


def read(result, key):
    for part in (key or "").split("/"):
        result = result.get(part) if isinstance(result, dict) else None
    return result


def transport_of(command):
    """By TLS when the command names whom to trust, and by WebSocket when it says so."""
    return {(False, False): "plain", (True, False): "tls", (False, True): "ws",
            (True, True): "wss"}["--tls-ca" in command, "--websocket" in command]


def load(options, command):
    """Runs tandemq-bench and returns its result as a dict; raises BrokerFailed."""
    try:
        done = subprocess.run(
            [os.path.join(options.prefix, "tandemq-bench"), *command, "--port",
             str(options.port + brokers.PORT_ABOVE[transport_of(command)]), "--json", "--quiet"], capture_output=True, text=True, check=False, timeout=1500)
    except subprocess.TimeoutExpired:
        raise brokers.BrokerFailed("no result within 1500 s") from None
    try:
        result = json.loads(done.stdout)
    except ValueError:
        raise brokers.BrokerFailed(done.stderr.strip() or "no result") from None
    if done.returncode != 0:
        result["failed"] = f"tandemq-bench ended with {done.returncode}"
    return result


def measure(kind, work, options):
    """The result of one run as a dict; raises BrokerFailed."""
    broker = KINDS[kind](FOLDER, options.port, options.prefix)
    broker.serve(transport_of(work.command))
    try:
        broker.start()
        pids = [word for pid in broker.pids() for word in ("--broker-pid", str(pid))]
        return load(options, [*work.command, *pids])
    finally:
        broker.stop()


def run_rounds(wanted, kinds, options):
    """{work: {broker: [result of each round]}} and the list of what failed."""
    results = {work.name: {kind: [] for kind in kinds} for work in wanted}
    failures = []
    for number in range(options.rounds):
        for work in wanted:
            # By turns, and not always in the same order.
            for kind in kinds if number % 2 == 0 else kinds[::-1]:
                try:
                    result = measure(kind, work, options)
                except brokers.BrokerFailed as failure:
                    result = {"failed": str(failure)}
                if "failed" in result:
                    failures.append(f"{work.name}, {kind}, round {number + 1}: {result['failed']}")
                results[work.name][kind].append(result)
                say(f"round {number + 1}/{options.rounds}  {work.name:13} {kind:10} "
                    + describe_run(work, result))
    return results, failures


def describe_run(work, result):
    if read(result, work.rate) is None:
        return "failed: " + result.get("failed", "no figures")
    cpu = read(result, work.cpu)
    return f"{result[work.rate]:12,.0f}/s  {cpu if cpu is not None else 0:8.3f} us CPU each"


def median(results, key):
    values = [v for v in (read(r, key) for r in results) if v is not None]
    return statistics.median(values) if values else None


def ratio(results, base, key):
    """Median of the rounds' ratios, so that a slow minute of the machine counts for both sides."""
    pairs = [(read(a, key), read(b, key)) for a, b in zip(results, base)]
    ratios = [a / b for a, b in pairs if a is not None and b]
    return statistics.median(ratios) if ratios else None


def judge(asked, rate_ratio, cpu_ratio):
    if not asked:
        return ""
    if rate_ratio is None:
        return "not measured"
    least, most = asked
    said, short = [], False
    for wanted, got, good in ((least, rate_ratio, lambda w, g: g >= w),
                              (most, cpu_ratio, lambda w, g: g <= w)):
        if wanted is None:
            continue
        short = short or got is None or not good(wanted, got)
        said.append(f">={wanted:g}x" if wanted == least else f"CPU <=1/{1 / wanted:g}")
    return ("SHORT of " if short else "reached ") + ", ".join(said)


def number(value, form, unit=""):
    return "-" if value is None else format(value, form) + unit


def cpu_ratio_text(value):
    if not value:
        return "-"
    return f"1/{1 / value:.1f}" if value < 1 else f"{value:.2f}x"


def rows_of(wanted, kinds, results):
    """One row for each work and broker, as dicts."""
    rows = []
    for work in wanted:
        base = results[work.name].get("mosquitto", [])
        for kind in kinds:
            runs = results[work.name][kind]
            row = {"work": work.name, "title": work.title, "broker": kind,
                   "per_s": median(runs, work.rate), "cpu_us": median(runs, work.cpu)}
            for quantile in ("p50", "p99") if work.latency else ():
                row[f"ack_{quantile}_us"] = median(runs, f"{work.latency}/{quantile}")
                row[f"end_to_end_{quantile}_us"] = median(runs, f"end_to_end_us/{quantile}")
            bytes_each = median(runs, "broker_bytes_per_connection")
            if bytes_each is None:
                bytes_each = median(runs, "broker_bytes_per_message")
            row["bytes_each"] = bytes_each
            if kind != "mosquitto":
                row["per_s_ratio"] = ratio(runs, base, work.rate)
                row["cpu_ratio"] = ratio(runs, base, work.cpu)
                row["asked"] = judge(work.asked.get(kind), row["per_s_ratio"], row["cpu_ratio"])
            rows.append(row)
    return rows


def print_table(rows):
    form = "{:38} {:10} {:>12} {:>9} {:>10} {:>9}  {}"
    print(form.format("work", "broker", "per second", "ratio", "CPU us", "ratio", ""))
    previous = None
    for row in rows:
        notes = [row.get("asked") or ""]
        if "ack_p50_us" in row:
            notes.append(f"ack p50 {number(row['ack_p50_us'], '.0f')} "
                         f"p99 {number(row['ack_p99_us'], '.0f')} us, end to end "
                         f"p50 {number(row['end_to_end_p50_us'], '.0f')} "
                         f"p99 {number(row['end_to_end_p99_us'], '.0f')} us")
        if row["bytes_each"] is not None:
            notes.append(f"{row['bytes_each']:,.0f} bytes each")
        print(form.format(row["title"] if row["work"] != previous else "", row["broker"],
                          number(row["per_s"], ",.0f"),
                          number(row.get("per_s_ratio"), ".2f", "x"),
                          number(row["cpu_us"], ".3f"), cpu_ratio_text(row.get("cpu_ratio")),
                          "; ".join(n for n in notes if n)).rstrip())
        previous = row["work"]


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().split("\n")[0]


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        models = [line.split(":", 1)[1].strip() for line in f if line.startswith("model name")]
    with open("/proc/meminfo", encoding="utf-8") as f:
        memory_kib = int(f.readline().split()[1])
    return {"cpu": models[0] if models else platform.machine(), "cores": os.cpu_count(),
            "memory_mib": memory_kib // 1024, "kernel": platform.release(),
            "load_average": os.getloadavg()[0], "date": time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                                                      time.gmtime()),
            "commit": first_line("git", "-C", ROOT, "rev-parse", "--short", "HEAD"),
            "mosquitto": first_line("mosquitto", "-h")}


def arguments():
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often all is measured (3)")
    parser.add_argument("--quick", action="store_true", help="one round of short runs")
    parser.add_argument("--only", help="works to measure, by name, separated by commas")
    parser.add_argument("--brokers", default="mosquitto,single,pair", help="which of them; there is pair-tls as well")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--port", type=int, default=28841,
                        help="first of the ports used, up to 31 above it (28841)")
    parser.add_argument("--prefix", default=os.path.join(ROOT, "build", "release", "bin"),
                        help="folder of the programs")
    parser.add_argument("--instructions", action="store_true",
                        help="count instructions per message instead (needs valgrind)")
    parser.add_argument("--compare", metavar="FILE",
                        help="with --instructions: beside those of an earlier --json FILE")
    parser.add_argument("--functions", type=int, default=0, metavar="N",
                        help="with --instructions: the N dearest functions of each process")
    parser.add_argument("--list", action="store_true", help="name the works and end")
    options = parser.parse_args()
    if options.quick:
        options.rounds = 1
    return parser, options


def chosen(parser, options, offered):
    if not options.only:
        return offered
    names = options.only.split(",")
    unknown = set(names) - {work.name for work in offered}
    if unknown:
        parser.error(f"no work is called {', '.join(sorted(unknown))}; see --list")
    return [work for work in offered if work.name in names]


def write_json(options, found):
    if not options.json:
        return
    with open(options.json, "w", encoding="utf-8") as f:
        json.dump(found, f, indent=1)
        f.write("\n")


def count_instructions(wanted, described, options):
    earlier = instructions.earlier_counts(options.compare) if options.compare else {}
    counts, failures = [], []
    for work in wanted:
        try:
            counts += instructions.measure(work, options, FOLDER,
                                           lambda command: load(options, command))
        except (brokers.BrokerFailed, callgrind.CallgrindFailed) as failure:
            failures.append(f"{work.name}: {failure}")
    instructions.print_table(counts, earlier, options.functions)
    for failure in failures:
        print("FAILED: " + failure)
    write_json(options, {"machine": described, "failures": failures,
                         "instructions": [count._asdict() for count in counts]})
    return 1 if failures else 0


def compare_brokers(wanted, kinds, described, options):
    results, failures = run_rounds(wanted, kinds, options)
    rows = rows_of(wanted, kinds, results)
    print_table(rows)
    for failure in failures:
        print("FAILED: " + failure)
    write_json(options, {"machine": described, "rounds": options.rounds, "rows": rows,
                         "failures": failures, "results": results})
    return 1 if failures else 0


def main():
    parser, options = arguments()
    authority = brokers.certificate(FOLDER)[0]
    offered = (instructions if options.instructions else works).works(options.quick, authority)
    if options.list:
        for work in offered:
            print(f"{work.name:14} {work.title}")
        return 0
    wanted = chosen(parser, options, offered)
    kinds = options.brokers.split(",")
    if set(kinds) - set(KINDS):
        parser.error(f"--brokers knows {', '.join(KINDS)}")
    for program in ["tandemq-bench"] + ["tandemqd"] * (kinds != ["mosquitto"]):
        if not os.access(os.path.join(options.prefix, program), os.X_OK):
            parser.error(f"no {program} in {options.prefix}; build it first (./run build)")
    if options.instructions and not shutil.which("valgrind"):
        parser.error("--instructions needs valgrind (apt-get install valgrind)")
    described = machine()
    say(f"{described['cpu']}, {described['cores']} cores, load {described['load_average']:.1f}; "
        f"{described['mosquitto']}")
    if options.instructions:
        return count_instructions(wanted, described, options)
    return compare_brokers(wanted, kinds, described, options)


if __name__ == "__main__":
    sys.exit(main())
