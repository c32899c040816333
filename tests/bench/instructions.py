"""Instructions per message, counted by callgrind: a figure of the program, not of the machine and its
moment. The broker runs under valgrind, the load generator outside. Each work runs three times in one
life of the broker: to warm up, then once short and once long. What the long run spends more is what
its messages cost; connections and subscriptions are the same in both and fall out."""
import json
import os
import shutil
from collections import namedtuple

import brokers
import callgrind

# pair: counted on both nodes of a pair, otherwise on a single node.
Work = namedtuple("Work", "name title command messages pair")
# What one process spends on a work; functions: (name, instructions per message), dearest first.
Count = namedtuple("Count", "work title process per_message functions")

LONGER = 4  # times the messages of the short run
SIXTEEN = ["--pubs", "16", "--subs", "16", "--window", "64"]


def works(quick, _authority):
    """Messages are multiples of what all windows hold, so that the last round is like the others."""
    some = 1 if quick else 5
    return [
        Work("qos0", "QoS 0, 16 to 16", ["pubsub", "--qos", "0", "--lag", "64", *SIXTEEN],
             10240 * some, False),
        Work("qos1", "QoS 1, 16 to 16, window 64", ["pubsub", "--qos", "1", *SIXTEEN],
             5120 * some, False),
        Work("qos1-durable", "QoS 1, the same, persistent sessions",
             ["pubsub", "--qos", "1", "--persistent", *SIXTEEN], 5120 * some, True),
        Work("qos2", "QoS 2, 16 to 16, window 64", ["pubsub", "--qos", "2", *SIXTEEN],
             5120 * some, False),
        Work("qos2-durable", "QoS 2, the same, persistent sessions",
             ["pubsub", "--qos", "2", "--persistent", *SIXTEEN], 5120 * some, True),
        Work("fanout", "fan-out 1 to 500, QoS 0", ["fanout", "--subs", "500", "--lag", "400"],
             400 * some, False),
    ]


def at_rest(broker):
    """All clients have gone, so what they sent has been worked off; a standby holds it all."""
    found = [node.status() for node in broker.nodes]
    return (all(found) and found[0]["connections"] == 0
            and all(s["last_lsn"] == found[0]["committed_lsn"] for s in found))


def measure(work, options, folder, load):
    """The Counts of a work. load(command) runs tandemq-bench and returns its result. Raises
    BrokerFailed and CallgrindFailed."""
    place = os.path.join(folder, "callgrind-" + work.name)
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place)
    names = ("primary", "standby") if work.pair else ("single",)
    broker = (brokers.Pair if work.pair else brokers.Single)(folder, options.port, options.prefix)
    for node, name in zip(broker.nodes, names):
        node.checkpoint_s = 3600  # none in the middle: it would be shared out over the messages
        node.wrap(callgrind.command(os.path.join(place, name)))

    def run(messages):
        result = load([*work.command, "--messages", str(messages), "--id-prefix", "count-"])
        if "failed" in result or result["not_delivered"]:
            raise brokers.BrokerFailed(result.get("failed", "messages were dropped"))
        brokers.wait_for("the broker was not at rest", lambda: at_rest(broker))
        return result["received"]
    try:
        broker.start()
        counters = [callgrind.Counter(node.daemon.process.pid, os.path.join(place, name))
                    for node, name in zip(broker.nodes, names)]
        run(work.messages)
        for counter in counters:
            counter.start()
        short = run(work.messages)
        before = [counter.spent() for counter in counters]
        long = run(work.messages * LONGER)
        after = [counter.spent() for counter in counters]
    finally:
        broker.stop()
    return [count(work, name, little, much, long - short)
            for name, little, much in zip(names, before, after)]


def count(work, process, little, much, messages):
    more = {name: (spent - little[name]) / messages for name, spent in much.items()}
    functions = sorted(more.items(), key=lambda item: -item[1])
    return Count(work.name, work.title, process, sum(more.values()),
                 [(name, round(spent, 2)) for name, spent in functions if spent > 0.1])


def earlier_counts(file):
    """{(work, process): instructions per message} of a file written by --json."""
    with open(file, encoding="utf-8") as f:
        return {(c["work"], c["process"]): c["per_message"] for c in json.load(f)["instructions"]}


def print_table(counts, earlier, functions):
    """Compares with earlier_counts() if there are any; names so many functions of each process."""
    form = "{:38} {:8} {:>12} {:>12} {:>8}"
    print(form.format("work", "process", "instructions", "earlier" if earlier else "",
                      "").rstrip())
    previous = None
    for one in counts:
        was = earlier.get((one.work, one.process))
        print(form.format(one.title if one.work != previous else "", one.process,
                          f"{one.per_message:,.0f}", f"{was:,.0f}" if was else "",
                          f"{one.per_message / was - 1:+.1%}" if was else "").rstrip())
        for name, spent in one.functions[:functions]:
            print(f"{spent:15.1f}  {name[:120]}")
        previous = one.work
