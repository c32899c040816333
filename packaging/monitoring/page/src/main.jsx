// The page: one board at a time, over a span of time that ends now or stays.
//   ?board=UID &from=now-5m &to=now &refresh=2s &theme=light &var-pair=NAME
import { useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import { createTheme, dateTime, ThemeContext } from "@grafana/data";
import { GlobalStyles } from "@grafana/ui";
import { annotationsOf, answersTo, scrapeInterval, variablesOf } from "./ask.js";
import { framesOf } from "./frames.js";
import { Panel } from "./panels.jsx";
import { momentOf, secondsOf } from "./prometheus.js";
import "./page.css";

const COLUMNS = 24;
const ROW = 30;
const GAP = 8;
const SPANS = ["now-2m", "now-5m", "now-15m", "now-1h"];

const wanted = new URLSearchParams(location.search);

function go(name, value) {
  const next = new URLSearchParams(location.search);
  next.set(name, value);
  if (name === "from") {
    next.delete("to");   // the last minutes end now
  }
  location.search = next;
}

function placeOf({ x, y, w, h }, pageWidth) {
  const column = (pageWidth - GAP * (COLUMNS + 1)) / COLUMNS + GAP;
  return { left: GAP + x * column, top: y * (ROW + GAP), width: w * column - GAP, height: h * (ROW + GAP) - GAP };
}

function useWidth() {
  const [width, setWidth] = useState(document.documentElement.clientWidth);
  useEffect(() => {
    const measure = () => setWidth(document.documentElement.clientWidth);
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, []);
  return width;
}

async function askedFor(board, from, to, theme) {
  const scrape_s = await scrapeInterval();
  const span = { from, to, points: 600, scrape_s };
  const variables = await variablesOf(board, Object.fromEntries(
    [...wanted].filter(([name]) => name.startsWith("var-")).map(([name, value]) => [name.slice(4), value])));
  span.variables = Object.fromEntries(Object.entries(variables).map(([name, { chosen }]) => [name, chosen]));
  const timeRange = { from: dateTime(from), to: dateTime(to), raw: { from: dateTime(from), to: dateTime(to) } };
  const panels = {};
  const errors = {};
  await Promise.all(board.panels.filter((panel) => panel.type !== "row").map(async (panel) => {
    try {
      const { answers, step_s } = await answersTo(panel, span);
      panels[panel.id] = { frames: framesOf(panel, answers, step_s, theme), timeRange };
    } catch (error) {
      errors[panel.id] = error.message;
    }
  }));
  return { variables, panels, errors, annotations: await annotationsOf(board, span) };
}

/** What was asked last, again every `refresh` while the span ends now; what is still under way is waited for. */
function useAnswers(board, theme) {
  const [state, setState] = useState({ panels: {}, errors: {}, variables: {}, annotations: [] });
  useEffect(() => {
    let timer;
    const turn = async () => {
      const now = Date.now();
      try {
        setState({ ...await askedFor(board, momentOf(wanted.get("from") ?? "now-5m", now),
          momentOf(wanted.get("to") ?? "now", now), theme), whole: true });
      } catch (error) {
        setState((last) => ({ ...last, trouble: error.message }));
      }
      if ((wanted.get("to") ?? "now") === "now") {
        timer = setTimeout(turn, 1000 * secondsOf(wanted.get("refresh") ?? board.refresh));
      }
    };
    turn();
    return () => clearTimeout(timer);
  }, [board, theme]);
  return state;
}

function Choice({ label, name, value, values }) {
  return (
    <label>{label}
      <select value={value} onChange={(event) => go(name, event.target.value)}>
        {values.map(([one, text]) => <option key={one} value={one}>{text}</option>)}
      </select>
    </label>
  );
}

function Bar({ boards, board, variables }) {
  const from = wanted.get("from") ?? "now-5m";
  return (
    <header>
      <Choice label="Board" name="board" value={board.uid} values={boards.map((one) => [one.uid, one.title])} />
      {Object.entries(variables).map(([name, { label, chosen, names }]) => (
        <Choice key={name} label={label} name={`var-${name}`} value={chosen} values={names.map((one) => [one, one])} />
      ))}
      <Choice label="Last" name="from" value={from}
        values={[...new Set([...SPANS, from])].map((one) => [one, one.startsWith("now-") ? one.slice(4) : "as given"])} />
      <p>{board.description}</p>
    </header>
  );
}

function Board({ boards, board, theme }) {
  const { panels, errors, variables, annotations, trouble, whole } = useAnswers(board, theme);
  const width = useWidth();
  const bottom = Math.max(...board.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  return (
    <>
      <Bar boards={boards} board={board} variables={variables} />
      {trouble && <p className="trouble">{trouble}</p>}
      <main data-whole={whole} style={{ height: bottom * (ROW + GAP) }}>
        {board.panels.map((panel) => {
          const { left, top, width: panelWidth, height } = placeOf(panel.gridPos, width);
          return (
            <div key={panel.id} className="place" style={{ left, top, width: panelWidth, height }}>
              {panel.type === "row" ? <h2>{panel.title}</h2>
                : <Panel panel={panel} state={panels[panel.id]} error={errors[panel.id]} theme={theme}
                    annotations={annotations} width={panelWidth} height={height} />}
            </div>
          );
        })}
      </main>
    </>
  );
}

function Page({ boards }) {
  const theme = useMemo(() => createTheme({ colors: { mode: wanted.get("theme") === "light" ? "light" : "dark" } }), []);
  const board = boards.find((one) => one.uid === wanted.get("board")) ?? boards[0];
  document.title = board.title;
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <Board boards={boards} board={board} theme={theme} />
    </ThemeContext.Provider>
  );
}

const boards = await (await fetch("/boards.json")).json();
createRoot(document.getElementById("page")).render(<Page boards={boards} />);
