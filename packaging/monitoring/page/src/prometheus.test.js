import assert from "node:assert/strict";
import { test } from "node:test";
import * as prometheus from "./prometheus.js";

test("durations and moments", () => {
  assert.equal(prometheus.secondsOf("1m30s"), 90);
  assert.equal(prometheus.secondsOf("100ms"), 0.1);
  assert.throws(() => prometheus.secondsOf("soon"), /no duration/);
  assert.throws(() => prometheus.secondsOf(""), /no duration/);
  assert.equal(prometheus.momentOf("now", 5000), 5000);
  assert.equal(prometheus.momentOf("now-2s", 5000), 3000);
  assert.equal(prometheus.momentOf("1234", 5000), 1234);
});

test("a step is no shorter than a scrape, and a rate spans four of them", () => {
  assert.equal(prometheus.stepOf(300, 600, 1), 1);
  assert.equal(prometheus.stepOf(3600, 600, 1), 6);
  assert.equal(prometheus.builtIn(300, 1, 1).__rate_interval, "4s");
  assert.equal(prometheus.builtIn(300, 30, 5).__rate_interval, "35s");
  assert.equal(prometheus.builtIn(300, 30, 5).__range, "300s");
});

test("variables are replaced whole", () => {
  const values = { job: "tandemqd", __rate_interval: "4s" };
  assert.equal(prometheus.substituted('rate(x{job=~"$job|$job_2"}[$__rate_interval])', values),
    'rate(x{job=~"tandemqd|$job_2"}[4s])');
  assert.equal(prometheus.substituted("${job}, ${job:regex}", values), "tandemqd, tandemqd");
});

test("label_values", () => {
  assert.deepEqual(prometheus.labelQuery('label_values(role{job="a, b"}, pair)'),
    { match: 'role{job="a, b"}', label: "pair" });
  assert.throws(() => prometheus.labelQuery("metrics(role)"), /label_values/);
});

test("legends", () => {
  assert.equal(prometheus.nameOf({ node: "a" }, "{{node}} {{none}}in"), "a in");
  assert.equal(prometheus.nameOf({ __name__: "up", node: "a" }, ""), 'up{node="a"}');
});

test("answers of a range and of an instant", () => {
  const labels = { node: "a" };
  assert.deepEqual(prometheus.seriesOf({ result: [{ metric: labels, values: [[1, "2"], [2, "+Inf"]] }] }),
    [{ labels, times: [1000, 2000], values: [2, Infinity] }]);
  assert.deepEqual(prometheus.seriesOf({ result: [{ metric: labels, value: [1.5, "3"] }] }),
    [{ labels, times: [1500], values: [3] }]);
});

test("nothing is known of an outage", () => {
  const labels = {};
  assert.deepEqual(prometheus.withGaps({ labels, times: [1000, 2000, 9000], values: [1, 2, 3] }, 1),
    { labels, times: [1000, 2000, 3000, 9000], values: [1, 2, null, 3] });
  assert.equal(prometheus.numberOf("NaN"), null);
});

test("an event that is told for a while began once", () => {
  const series = [{ labels: {}, times: [1000, 2000, 3000, 9000] }];
  assert.deepEqual(prometheus.beginnings(series, 1).map(({ at }) => at), [1000, 9000]);
});
