// Prometheus' HTTP API, which the page's own server passes on.
import { beginnings, builtIn, labelQuery, secondsOf, seriesOf, stepOf, substituted } from "./prometheus.js";

async function ask(path, query) {
  const response = await fetch(`/api/v1/${path}?${new URLSearchParams(query)}`);
  const answer = await response.json().catch(() => ({ error: `${response.status} ${response.statusText}` }));
  if (answer.status !== "success") {
    throw new Error(`Prometheus: ${answer.error}`);
  }
  return answer.data;
}

/** How often Prometheus asks, in seconds. */
export async function scrapeInterval() {
  const { activeTargets } = await ask("targets", { state: "active" });
  return Math.max(1, ...activeTargets.map((target) => secondsOf(target.scrapeInterval)));
}

/** {name: {chosen, others}} of the board's variables, each asked with those before it. */
export async function variablesOf(board, wanted) {
  const found = {};
  const values = {};
  for (const variable of board.templating.list.filter((one) => one.type === "query")) {
    const { match, label } = labelQuery(substituted(variable.definition, values));
    const names = await ask(`label/${label}/values`, match ? { "match[]": match } : {});
    values[variable.name] = names.includes(wanted[variable.name]) ? wanted[variable.name] : names[0] ?? "";
    found[variable.name] = { label: variable.label, chosen: values[variable.name], names };
  }
  return found;
}

/** The answers to a panel's targets over [from, to] in milliseconds. */
export async function answersTo(panel, { from, to, points, scrape_s, variables }) {
  const range_s = (to - from) / 1000;
  const step_s = stepOf(range_s, points, scrape_s);
  const values = { ...variables, ...builtIn(range_s, step_s, scrape_s) };
  const answers = await Promise.all(panel.targets.map((target) => {
    const query = substituted(target.expr, values);
    return target.instant ? ask("query", { query, time: to / 1000 })
      : ask("query_range", { query, start: from / 1000, end: to / 1000, step: step_s });
  }));
  return { answers, step_s };
}

/** The board's annotations: [{at (ms), title, color}]. */
export async function annotationsOf(board, span) {
  const found = await Promise.all(board.annotations.list.map(async (one) => {
    const { answers: [data], step_s } = await answersTo({ targets: [one] }, span);
    return beginnings(seriesOf(data), step_s).map(({ at, labels }) => (
      { at, color: one.iconColor, title: substituted(one.titleFormat.replace(/\{\{(\w+)\}\}/g, "$${$1}"), labels) }));
  }));
  return found.flat();
}
