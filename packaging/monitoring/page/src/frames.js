// Answers of Prometheus as Grafana's data frames, dressed as a panel says.
import { applyFieldOverrides, FieldType, Registry, toDataFrame } from "@grafana/data";
import { nameOf, seriesOf, withGaps } from "./prometheus.js";

/** What panels may set about fields: all that this one sets. Grafana fills its registry when it starts; there is no Grafana. */
function registryOf(fieldConfig) {
  const item = (path, isCustom) => ({
    id: isCustom ? `custom.${path}` : path, name: path, path, isCustom, shouldApply: () => true, process: (value) => value,
  });
  const names = Object.keys(fieldConfig.defaults).filter((name) => name !== "custom");
  return new Registry(() => [...names.map((name) => item(name, false)),
    ...Object.keys(fieldConfig.defaults.custom).map((name) => item(name, true))]);
}

/** In a file the lowest step has no value; Grafana reads it as the lowest number. */
function withLowestStep(fieldConfig) {
  const { thresholds } = fieldConfig.defaults;
  const steps = thresholds.steps.map((step) => ({ ...step, value: step.value ?? -Infinity }));
  return { ...fieldConfig, defaults: { ...fieldConfig.defaults, thresholds: { ...thresholds, steps } } };
}

function frameOf({ labels, times, values }, target) {
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: "Time", type: FieldType.time, values: times, config: {} },
      { name: "Value", type: FieldType.number, values, labels,
        config: { displayNameFromDS: nameOf(labels, target.legendFormat) } },
    ],
  });
}

/** `answers`: Prometheus' data of each target of the panel. */
export function framesOf(panel, answers, step_s, theme) {
  const data = panel.targets.flatMap((target, i) =>
    seriesOf(answers[i]).map((one) => frameOf(withGaps(one, step_s), target)));
  return applyFieldOverrides({
    data, theme, timeZone: "browser", replaceVariables: (text) => text, fieldConfig: withLowestStep(panel.fieldConfig),
    fieldConfigRegistry: registryOf(panel.fieldConfig),
  });
}
