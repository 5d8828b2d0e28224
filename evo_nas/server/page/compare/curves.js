/** The best so far of several runs on one chart. */
import { html, useMemo } from "../html.js";
import { Lines } from "../charts.js";
import { stretch } from "../format.js";
import { Empty } from "../ui.js";
import { colourOf, dashOf } from "./colours.js";

export function CompareCurves({ data, x }) {
  const { places, series } = useMemo(() => aligned(data.runs), [data]);
  if (places.length < 2) return html`<${Empty} title="No run has a result yet." />`;
  const metrics = [...new Set(data.runs.map((run) => run.metric).filter(Boolean))];
  return html`<${Lines} x=${places} series=${series} height=${320} label="best so far of ${data.runs.map((run) => run.name).join(", ")}"
      xLabel=${x === "seconds" ? "time" : x} yLabel=${metrics.length === 1 ? metrics[0] : "each by its metric"} whole=${x !== "seconds"}
      times=${x === "seconds" ? stretch : undefined} />
    ${metrics.length > 1 && html`<p class="hint">The runs have different metrics (${metrics.join(", ")}), so that their heights cannot be compared.</p>`}`;
}

/** The curves over all places at which one of them changes; each holds its value up to its run's last evaluation. */
function aligned(runs) {
  const places = [...new Set(runs.flatMap(({ curve, last }) => [...curve.map(([at]) => at), last ?? []].flat()))].sort((one, other) => one - other);
  const series = runs.map(({ name, curve, last }, index) => {
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
