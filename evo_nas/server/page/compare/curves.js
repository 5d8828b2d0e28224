/** The best so far of several runs, one chart for each metric. */
import { html, useMemo } from "../html.js";
import { Lines } from "../charts.js";
import { stretch, words } from "../format.js";
import { Empty } from "../ui.js";
import { colourOf, dashOf } from "./colours.js";

/** Runs with different metrics have a chart for each metric, since their heights cannot be compared. */
export function CompareCurves({ data, x }) {
  const groups = useMemo(() => byMetric(data.runs), [data]);
  if (!groups.length) return html`<${Empty} title="No run has two results yet." />`;
  return html`<div class="curves">${groups.map((runs) => html`<${Curves} key=${runs[0].metric} runs=${runs} x=${x}
    height=${groups.length > 1 ? 220 : 320} />`)}</div>`;
}

/** The runs that have something to draw, in groups of one metric; each keeps its place, and so its colour. */
function byMetric(runs) {
  const drawn = runs.map((run, index) => ({ ...run, index })).filter((run) => run.curve.length > 0 && run.last > run.curve[0][0]);
  return [...new Set(drawn.map((run) => run.metric))].map((metric) => drawn.filter((run) => run.metric === metric));
}

function Curves({ runs, x, height }) {
  const { places, series } = useMemo(() => aligned(runs), [runs]);
  const { metric, higher_is_better: higher } = runs[0];
  return html`<${Lines} x=${places} series=${series} height=${height} label="best so far of ${runs.map((run) => run.name).join(", ")}"
    xLabel=${x === "seconds" ? "time" : x} yLabel="${words(metric)} ${higher ? "↑" : "↓"}" whole=${x !== "seconds"}
    times=${x === "seconds" ? stretch : undefined} />`;
}

/** The curves over all places at which one of them changes; each holds its value up to its run's last evaluation. */
function aligned(runs) {
  const places = [...new Set(runs.flatMap(({ curve, last }) => [...curve.map(([at]) => at), last ?? []].flat()))].sort((one, other) => one - other);
  const series = runs.map(({ name, curve, last, index }) => {
    let next = 0;
    let value = null;
    const values = places.map((at) => {
      while (next < curve.length && curve[next][0] <= at) value = curve[next++][1];
      return at > (last ?? -Infinity) ? null : value;
    });
    return { label: name, values, colour: `--${colourOf(index)}`, dash: dashOf(index), stepped: true };
  });
  return { places, series };
}
