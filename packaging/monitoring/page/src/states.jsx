// A state timeline. Grafana's own is part of its server and in no package: this one draws its rows into Grafana's graph.
import { GraphNG, UPlotConfigBuilder } from "@grafana/ui";
import { FieldType, formattedValueToString, getFieldDisplayName } from "@grafana/data";
import { AxisPlacement, ScaleDirection, ScaleOrientation } from "@grafana/schema";

const ROW_FILL = 0.8;

/** {begin, end, value} of each stretch in which a state holds: it ends where another one begins, or a null is. What is
 *  undefined is another row's moment. */
function stretches(times, values) {
  const found = [];
  let open = null;
  times.forEach((at, i) => {
    if (values[i] === undefined) {
      return;
    }
    if (open) {
      open.end = at;
    }
    if (values[i] !== open?.value) {
      open = values[i] === null ? null : { begin: at, end: at, value: values[i] };
      if (open) {
        found.push(open);
      }
    }
  });
  return found;
}

function drawText(context, text, left, middle, room, color) {
  if (context.measureText(text).width + 8 * devicePixelRatio < room) {
    context.fillStyle = color;
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.fillText(text, left + 4 * devicePixelRatio, middle);
  }
}

function drawRow(u, field, number, rows, theme) {
  const { ctx, bbox } = u;
  const height = bbox.height / rows;
  const top = bbox.top + number * height + (height * (1 - ROW_FILL)) / 2;
  for (const { begin, end, value } of stretches(u.data[0], u.data[number + 1])) {
    const shown = field.display(value);
    const left = Math.max(bbox.left, u.valToPos(begin, "x", true));
    const right = Math.min(bbox.left + bbox.width, u.valToPos(end, "x", true));
    const width = Math.max(right - left, devicePixelRatio);
    ctx.fillStyle = theme.visualization.getColorByName(shown.color);
    ctx.fillRect(left, top, width, height * ROW_FILL);
    drawText(ctx, formattedValueToString(shown), left, top + (height * ROW_FILL) / 2, width, theme.colors.getContrastText(ctx.fillStyle));
  }
}

function configOf(frame, allFrames, getTimeRange, theme) {
  const builder = new UPlotConfigBuilder("browser");
  const rows = frame.fields.filter((field) => field.type === FieldType.number);
  const names = rows.map((field) => getFieldDisplayName(field, frame, allFrames));
  builder.setPrepData(([aligned]) => aligned.fields.map((field) => field.values));
  builder.addScale({
    scaleKey: "x", isTime: true, orientation: ScaleOrientation.Horizontal, direction: ScaleDirection.Right,
    range: () => [getTimeRange().from.valueOf(), getTimeRange().to.valueOf()],
  });
  builder.addScale({
    scaleKey: "rows", orientation: ScaleOrientation.Vertical, direction: ScaleDirection.Down, range: [0, rows.length],
  });
  builder.addAxis({ scaleKey: "x", isTime: true, placement: AxisPlacement.Bottom, theme, timeZone: "browser" });
  builder.addAxis({
    scaleKey: "rows", placement: AxisPlacement.Left, theme, grid: { show: false }, ticks: { show: false },
    splits: () => names.map((_, i) => i + 0.5), values: () => names,
  });
  rows.forEach((field, i) => builder.addSeries({
    scaleKey: "rows", theme, show: true, pathBuilder: () => null, pointsBuilder: () => null, lineWidth: 0,
    dataFrameFieldIndex: { frameIndex: i, fieldIndex: 1 },
  }));
  builder.addHook("draw", (u) => {
    u.ctx.save();
    u.ctx.font = `${12 * devicePixelRatio}px ${theme.typography.fontFamily}`;
    rows.forEach((field, i) => drawRow(u, field, i, rows.length, theme));
    u.ctx.restore();
  });
  return builder;
}

export function StateTimeline({ theme, children, ...others }) {
  return (
    <GraphNG {...others} theme={theme} timeZone="browser" legend={{ showLegend: false }}
      prepConfig={(frame, all, getTimeRange) => configOf(frame, all, getTimeRange, theme)} renderLegend={() => null}>
      {children}
    </GraphNG>
  );
}
