// What a board asks of Prometheus, and what the answers are called: pure, tried by prometheus.test.js.

const UNITS = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 };

/** "1m30s" in seconds; a duration that cannot be read is an error. */
export function secondsOf(duration) {
  const parts = [...duration.matchAll(/(\d+)(ms|[smhd])/g)];
  if (parts.map((part) => part[0]).join("") !== duration || !duration) {
    throw new Error(`"${duration}" is no duration, as 5s or 1m30s are`);
  }
  return parts.reduce((sum, [, number, unit]) => sum + number * UNITS[unit], 0);
}

/** "now", "now-5m" or milliseconds since 1970, in milliseconds. */
export function momentOf(text, now) {
  const back = /^now(?:-(\w+))?$/.exec(text);
  return back ? now - (back[1] ? 1000 * secondsOf(back[1]) : 0) : Number(text);
}

/** Seconds between two values, so that there are about as many as a panel has room for, and none between scrapes. */
export function stepOf(range_s, points, scrape_s) {
  return Math.max(scrape_s, Math.ceil(range_s / points));
}

/** Values of Grafana's own variables. */
export function builtIn(range_s, step_s, scrape_s) {
  return {
    __interval: `${step_s}s`,
    __rate_interval: `${Math.max(step_s + scrape_s, 4 * scrape_s)}s`,
    __range: `${Math.round(range_s)}s`,
    __range_s: `${Math.round(range_s)}`,
    __range_ms: `${Math.round(range_s * 1000)}`,
  };
}

/** The text with $name, ${name} and ${name:format} replaced; what has no value stays. */
export function substituted(text, values) {
  return text.replace(/\$(?:\{(\w+)(?::\w+)?\}|(\w+))/g, (whole, braced, bare) => values[braced ?? bare] ?? whole);
}

/** What "label_values(metric, label)" asks: {match, label}. */
export function labelQuery(query) {
  const parts = /^label_values\(\s*(?:(.+),)?\s*(\w+)\s*\)$/.exec(query);
  if (!parts) {
    throw new Error(`the variable's query "${query}" is not label_values(METRIC, LABEL)`);
  }
  return { match: parts[1]?.trim(), label: parts[2] };
}

/** A series' name by the panel's legend, or by its labels where there is none. */
export function nameOf(labels, format) {
  if (format) {
    return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? "");
  }
  const { __name__: name = "", ...others } = labels;
  return `${name}{${Object.entries(others).map(([key, value]) => `${key}="${value}"`).join(", ")}}`;
}

/** Prometheus' words for numbers; null for what is none. */
export function numberOf(text) {
  const number = text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);
  return Number.isNaN(number) ? null : number;
}

/** Series of an answer, whether of a range or of an instant: [{labels, times (ms), values}]. */
export function seriesOf(data) {
  return data.result.map(({ metric, values, value }) => {
    const points = values ?? [value];
    return { labels: metric, times: points.map(([at]) => at * 1000), values: points.map((point) => numberOf(point[1])) };
  });
}

/** The series with a null behind each value that has no next one after a step: no line is drawn across an outage. */
export function withGaps({ labels, times, values }, step_s) {
  const gaps = { labels, times: [], values: [] };
  times.forEach((at, i) => {
    gaps.times.push(at);
    gaps.values.push(values[i]);
    if (times[i + 1] - at > 1500 * step_s) {
      gaps.times.push(at + 1000 * step_s);
      gaps.values.push(null);
    }
  });
  return gaps;
}

/** Moments, in milliseconds, from which a series says that something had happened, each once. */
export function beginnings(series, step_s) {
  return series.flatMap(({ labels, times }) =>
    times.filter((at, i) => i === 0 || at - times[i - 1] > 1500 * step_s).map((at) => ({ at, labels })));
}
