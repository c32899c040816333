// A panel's contents by its type, with Grafana's components.
import { useRef } from "react";
import { compareArrayValues, compareDataFrameStructures, getFieldDisplayValues, LoadingState } from "@grafana/data";
import { BarGauge, BigValue, BigValueTextMode, PanelChrome, TimeSeries, TooltipPlugin, VizRepeater } from "@grafana/ui";
import { StateTimeline } from "./states.jsx";

function Values({ panel, frames, theme, width, height, render, spacing }) {
  const values = () => getFieldDisplayValues({
    fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: (text) => text, theme,
    data: frames, timeZone: "browser",
  });
  return (
    <VizRepeater getValues={values} source={frames} width={width} height={height} renderCounter={0} autoGrid
      itemSpacing={spacing} orientation={panel.options.orientation} renderValue={render} />
  );
}

function Stat({ panel, theme, ...others }) {
  const { options } = panel;
  return (
    <Values panel={panel} theme={theme} {...others} spacing={3} render={({ value, width, height, count }) => (
      <BigValue value={value.display} width={width} height={height} theme={theme} count={count}
        colorMode={options.colorMode} graphMode={options.graphMode} justifyMode={options.justifyMode}
        textMode={options.textMode ?? BigValueTextMode.Auto} />
    )} />
  );
}

function Bars({ panel, theme, ...others }) {
  const { options } = panel;
  return (
    <Values panel={panel} theme={theme} {...others} spacing={10} render={({ value, width, height, orientation }) => (
      <BarGauge value={value.display} width={width} height={height} orientation={orientation} field={value.field}
        display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0)} theme={theme}
        displayMode={options.displayMode} showUnfilled={options.showUnfilled} />
    )} />
  );
}

/** Lines where something happened; and room for the last hour's number. */
function markedBy(builder, annotations, theme) {
  builder.setPadding([8, 24, null, null]);
  builder.addHook("draw", (u) => {
    u.ctx.save();
    u.ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    u.ctx.lineWidth = devicePixelRatio;
    for (const { at, color } of annotations.current) {
      const x = u.valToPos(at, "x", true);
      if (x >= u.bbox.left && x <= u.bbox.left + u.bbox.width) {
        u.ctx.strokeStyle = theme.visualization.getColorByName(color);
        u.ctx.beginPath();
        u.ctx.moveTo(x, u.bbox.top);
        u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
        u.ctx.stroke();
      }
    }
    u.ctx.restore();
  });
}

/** A number that changes when the series are others: else a graph keeps its settings and takes the values. */
function useStructure(frames) {
  const last = useRef({ frames, revision: 1 });
  if (!compareArrayValues(last.current.frames, frames, compareDataFrameStructures)) {
    last.current.revision += 1;
  }
  last.current.frames = frames;
  return last.current.revision;
}

function Graph({ panel, frames, annotations, theme, timeRange, width, height }) {
  const structureRev = useStructure(frames);
  const shown = useRef(annotations);
  const marked = useRef(null);
  shown.current = annotations;
  const common = { frames, theme, timeRange, structureRev, width, height };
  const inside = (builder, aligned) => {
    if (marked.current !== builder) {
      marked.current = builder;
      markedBy(builder, shown, theme);
    }
    return panel.type === "timeseries" && (
      <TooltipPlugin config={builder} data={aligned} timeZone="browser" mode={panel.options.tooltip.mode}
        sortOrder={panel.options.tooltip.sort} />
    );
  };
  if (panel.type === "state-timeline") {
    return <StateTimeline {...common}>{inside}</StateTimeline>;
  }
  return <TimeSeries {...common} timeZone="browser" legend={panel.options.legend} options={panel.options}>{inside}</TimeSeries>;
}

const KINDS = { stat: Stat, bargauge: Bars, timeseries: Graph, "state-timeline": Graph };

function Contents({ panel, state, ...others }) {
  const Kind = KINDS[panel.type];
  if (!Kind) {
    return <div className="message">This page draws no panel of type {panel.type}</div>;
  }
  if (!state?.frames.length) {
    return <div className="message">{state ? "No data" : ""}</div>;
  }
  return <Kind panel={panel} {...state} {...others} />;
}

export function Panel({ panel, state, error, theme, annotations, width, height }) {
  return (
    <PanelChrome title={panel.title} description={panel.description} width={width} height={height}
      statusMessage={error} loadingState={error ? LoadingState.Error : LoadingState.Done}>
      {(innerWidth, innerHeight) => (
        <Contents panel={panel} state={state} theme={theme} annotations={annotations} width={innerWidth}
          height={innerHeight} />
      )}
    </PanelChrome>
  );
}
