"""What Grafana boards are made of. Expressions name metrics bare, or with the labels that matter: job and pair are put in
here, as the variables that each board asks for."""
import re

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24
_METRIC = re.compile(r"\b((tandemq_agent_\w+|tandemq_\w+|up)\b)(?:\{([^}]*)\})?")
COUNTS = ("short", "none", "ops", "mps", "recps")
GREEN, YELLOW, RED, BLUE, GREY = "green", "yellow", "red", "blue", "#8e8e8e"


def selected(expression):
    """`tandemq_role{role="primary"}` of the chosen job and pair."""
    def select(match):
        job = "$agent_job" if match[2].startswith("tandemq_agent_") else "$job"
        if match[2] == "up":
            job = "$job|$agent_job"
        own = f",{match[3]}" if match[3] else ""
        return f'{match[1]}{{job=~"{job}",pair="$pair"{own}}}'
    return _METRIC.sub(select, expression)


def limits(*steps, base=GREEN):
    """Colours from a value on: limits((1, RED))."""
    return {"mode": "absolute",
            "steps": [{"color": base, "value": None}] + [{"color": c, "value": v} for v, c in steps]}


FINE = limits()
BAD_ABOVE_0 = limits((1, RED))
GOOD_AT_1 = limits((1, GREEN), base=RED)


def panel(kind, title, description, unit, queries, thresholds, size, options=None, custom=None, mappings=None):
    """`queries`: {legend: expression}; `size`: width of 24 and height."""
    # The last value of a span is not what is now: a node that is gone would be shown as it was.
    now = kind in ("stat", "bargauge")
    targets = [{"refId": chr(ord("A") + i), "datasource": DATASOURCE, "expr": selected(expression), "legendFormat": legend,
                "range": not now, "instant": now, "format": "time_series"}
               for i, (legend, expression) in enumerate(queries.items())]
    defaults = {"unit": unit, "thresholds": thresholds, "custom": custom or {}, "mappings": mappings or [],
                "color": {"mode": "palette-classic" if kind == "timeseries" else "thresholds"}}
    return {"type": kind, "title": title, "description": description, "datasource": DATASOURCE, "targets": targets,
            "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options or {},
            "gridPos": {"w": size[0], "h": size[1]}}


def words(names):
    """Shows a word for a value: {1: ("primary", GREEN)}."""
    return [{"type": "value", "options": {str(value): {"text": text, "color": color, "index": i}
                                          for i, (value, (text, color)) in enumerate(names.items())}}]


def states(metric, names):
    """A metric that is 1 for the state that holds, as one number a node, and the words for it. `names`: {state: colour}."""
    parts = [f'{number} * {metric}{{state="{name}"}}' for number, name in enumerate(names, 1)]
    return (f"sum by (pair, node) ({' or '.join(parts)}) > 0",
            {number: (name, color) for number, (name, color) in enumerate(names.items(), 1)})


def stat(title, description, unit, queries, thresholds=FINE, size=(4, 4), mappings=None):
    return panel("stat", title, description, unit, queries, thresholds, size, mappings=mappings, options={
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "background_solid",
        "graphMode": "none", "textMode": "value_and_name", "justifyMode": "auto", "orientation": "auto"})


def graph(title, description, unit, queries, thresholds=FINE, size=(12, 8)):
    shown = len(thresholds["steps"]) > 1
    return panel("timeseries", title, description, unit, queries, thresholds, size, options={
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"}}, custom={
            "lineWidth": 2, "fillOpacity": 0, "showPoints": "never", "spanNulls": False,
            "thresholdsStyle": {"mode": "line" if shown else "off"}, "axisSoftMin": 0,
            **({"axisSoftMax": 1} if unit in COUNTS else {})})   # else nothing at all looks like a scale of 100


def bars(title, description, unit, most, queries, thresholds, size=(12, 8)):
    """`most`: where a bar is full."""
    made = panel("bargauge", title, description, unit, queries, thresholds, size, options={
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "orientation": "horizontal",
        "displayMode": "basic", "showUnfilled": True})
    made["fieldConfig"]["defaults"].update(min=0, max=most)
    return made


def state_lines(title, description, queries, names, size=(24, 6)):
    return panel("state-timeline", title, description, "none", queries, FINE, size, mappings=words(names), options={
        "showValue": "auto", "mergeValues": True, "rowHeight": 0.9, "alignValue": "left",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "tooltip": {"mode": "single", "sort": "none"}}, custom={"fillOpacity": 80, "lineWidth": 0})


def row(title):
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"w": WIDTH, "h": 1}}


def placed(panels):
    """From left to right, and down where a line is full; numbered."""
    x = y = height = 0
    for number, one in enumerate(panels, 1):
        place = one["gridPos"]
        if x + place["w"] > WIDTH:
            x, y, height = 0, y + height, 0
        place.update(x=x, y=y)
        x, height = x + place["w"], max(height, place["h"])
        one["id"] = number
    return panels


def variable(name, label, query):
    return {"name": name, "label": label, "type": "query", "datasource": DATASOURCE, "refresh": 2, "sort": 1,
            "query": {"query": query, "refId": name}, "definition": query, "includeAll": False, "multi": False}


def board(uid, title, description, panels):
    return {
        "uid": uid, "title": title, "description": description, "tags": ["tandemq"], "editable": False, "id": None,
        "schemaVersion": 38, "version": 1, "refresh": "5s", "time": {"from": "now-30m", "to": "now"}, "timezone": "",
        "graphTooltip": 1, "panels": placed(panels), "annotations": {"list": [{
            "name": "New primary", "datasource": DATASOURCE, "enable": True, "iconColor": RED,
            "titleFormat": "{{node}} took over", "expr": selected(
                'tandemq_role{role="primary"} == 1 and on (pair, node) '
                'tandemq_role{role="primary"} offset $__rate_interval == 0')}]},
        "links": [{"type": "dashboards", "title": "TandeMQ", "tags": ["tandemq"], "asDropdown": True,
                   "includeVars": True, "keepTime": True}],
        "templating": {"list": [
            {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
            variable("job", "Broker job", "label_values(tandemq_role, job)"),
            variable("agent_job", "Agent job", "label_values(tandemq_agent_state, job)"),
            variable("pair", "Pair", 'label_values(tandemq_role{job="$job"}, pair)')]}}
