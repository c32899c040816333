"""The boards of packaging/monitoring: each panel is complete, asks by variables, and names what the daemons have."""
import os
import re
import sys

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "packaging", "monitoring"))
import boards  # noqa: E402

RULES = os.path.join(ROOT, "packaging", "monitoring", "prometheus", "tandemq.rules.yml")
_NAME = re.compile(r"\b((?:pair:|node:)?tandemq_\w+(?::\w+)?)(\{[^}]*\})?")
_PART = re.compile(r"_(bucket|sum|count)$")


def known_metrics():
    """{name: (type, labels)} of docs/metrics.md, which tests/tidy holds to the code."""
    with open(os.path.join(ROOT, "docs", "metrics.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*) \|", file.read(), re.M)
    return {name: (kind, set(labels.replace(" ", "").split(",")) - {""}) for name, kind, labels in rows}


def panels():
    """(board, panel) of each that shows something."""
    for board in boards.ALL:
        for panel in board["panels"]:
            if panel["type"] != "row":
                yield board, panel


def incomplete(panel):
    defaults = panel["fieldConfig"]["defaults"]
    if len(panel["description"]) < 10 or panel["description"] == panel["title"]:
        yield "says nothing about itself"
    if not defaults["unit"] or not defaults["thresholds"]["steps"]:
        yield "has no unit or thresholds"
    if panel["type"] == "bargauge" and not defaults.get("max"):
        yield "has no end to its bars"
    if not panel["targets"] or any(t["datasource"]["uid"] != "${datasource}" for t in panel["targets"]):
        yield "does not ask the chosen data source"
    if panel["type"] in ("stat", "bargauge") and not all(t["instant"] and not t["range"] for t in panel["targets"]):
        yield "shows one value, and asks for a span: the last value of a node that is gone would be shown"


def wrong_names(expression, metrics, recorded):
    for name, selector in _NAME.findall(expression):
        if name in recorded:
            continue
        base = name if name in metrics else _PART.sub("", name)
        if base not in metrics:
            yield f"{name} is no metric of docs/metrics.md"
            continue
        kind, labels = metrics[base]
        for label in re.findall(r"(\w+)\s*[=!]~?\s*\"", selector):
            if label not in labels | {"job", "pair", "node", "le", "path"}:
                yield f"{name} has no label {label}"
        if kind == "counter" and not re.search(rf"(rate|increase|changes)\({name}", expression) and \
                name not in SINCE_START:
            yield f"{name} is a counter and is shown without rate or increase"


# Counters that are asked as they are: what has happened since the daemon's start. Some have no series until it does, and
# `increase` does not see those begin.
SINCE_START = {"tandemq_quarantined_records_total", "tandemq_acknowledged_lost_records_total",
               "tandemq_checkpoint_failures_total", "tandemq_agent_failovers_total"}


def rules():
    """(what is recorded, expressions), without a reader of YAML: the file's form is ours."""
    with open(RULES, encoding="utf-8") as file:
        text = file.read()
    expressions = [" ".join(found.split()) for found in
                   re.findall(r"^        expr: (?:>-\n)?(.+?)(?=^        \w|^      -|\Z)", text, re.M | re.S)]
    return set(re.findall(r"- record: (\S+)", text)), expressions


def runbooks():
    with open(RULES, encoding="utf-8") as file:
        text = file.read()
    alerts = re.findall(r"- alert: (\w+)", text)
    folder = os.path.join(ROOT, "docs", "runbooks")
    pages = {name[:-3] for name in os.listdir(folder) if name.startswith("Tandemq")}
    for name in sorted(set(alerts) ^ pages):
        yield f"docs/runbooks/{name}.md and the alert {name}: one is there without the other"
    for name in alerts:
        if f"/{name}.md" not in text:
            yield f"{name} has no runbook_url of its own"
        for word in ("Meaning", "Impact", "Diagnosis", "Mitigation"):
            path = os.path.join(folder, name + ".md")
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    if f"## {word}\n" not in file.read():
                        yield f"docs/runbooks/{name}.md has no {word}"


def check():
    """Sentences about what is wrong."""
    metrics = known_metrics()
    recorded, expressions = rules()
    wrong = list(runbooks())
    for expression in expressions:
        wrong += [f"{RULES}: {problem}" for problem in wrong_names(expression, metrics, recorded)]
    for board, panel in panels():
        place = f"{board['title']}, {panel['title']}: "
        wrong += [place + problem for problem in incomplete(panel)]
        for target in panel["targets"]:
            wrong += [place + problem for problem in wrong_names(target["expr"], metrics, recorded)]
            if target["expr"].count('pair="$pair"') < len(_NAME.findall(target["expr"])):
                wrong.append(place + "does not ask for the chosen pair")
    return wrong
