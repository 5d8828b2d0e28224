/** The tab `live` of a run: its course as a chart, what goes on now, and what is behind the figures. */
import { html, useEffect, useMemo } from "../html.js";
import { ofRun, useApi } from "../api.js";
import { Nothing } from "./nothing.js";
import { goesOn } from "./states.js";
import { runPath, setQuery } from "../router.js";
import { Empty, ErrorBox, Loading, Panel, Segmented } from "../ui.js";
import { Course } from "./live/course.js";
import { Now, Totals } from "./live/now.js";
import { Lines } from "../charts.js";
import { count, duration, spent, stretch } from "../format.js";
import { Baselines, Best, Failures, Nodes, Operators, Population, Rungs } from "./live/parts.js";

const REFRESH_MS = 3000;
const AXES = [["evaluations", "evaluations"], ["seconds", "time"], ["cost", "computing"]];
const AXIS_TITLES = { evaluations: "evaluations", seconds: "time since the first training", cost: "computing of all trainings" };
/** More would not be told apart on the screen. */
const POINTS = { narrow: 700, wide: 2000 };

export default function Live({ run, detail, live, route }) {
  const asked = route.query.get("x");
  const axis = asked in AXIS_TITLES ? asked : "evaluations";
  const points = innerWidth < 700 ? POINTS.narrow : POINTS.wide;
  const isLive = goesOn(detail.state) && !live.ended;
  const chart = useApi(ofRun(run, "chart"), { points, x: axis }, { every: isLive ? REFRESH_MS : 0 });
  const isClose = route.query.get("y") !== "all";
  const axes = html`<${Segmented} label="values" value=${isClose ? "close" : "all"} options=${[["close", "the best"], ["all", "all values"]]}
    onChange=${(y) => setQuery({ y: y === "close" ? null : y }, { replace: true })} />
    <${Segmented} label="horizontal axis" value=${axis} options=${AXES}
    onChange=${(x) => setQuery({ x: x === "evaluations" ? null : x }, { replace: true })} />`;
  const { data } = chart;
  // The last results may have come after the last asking.
  useEffect(() => {
    if (data && data.told < detail.evaluated) chart.reload();
  }, [detail.evaluated]);
  const chosen = route.query.get("candidate");
  return html`<div class="live">
    <${Now} detail=${detail} live=${live} />
    <${Totals} detail=${detail} live=${live} />
    <div class="grid">
      <${Panel} title="Course of the search" aside=${data?.told > 0 && (detail.best !== null || isLive) && axes}>
        <${ErrorBox} error=${chart.error} retry=${chart.reload} />
        ${!data ? chart.error ? "" : html`<${Loading} lines=${6} />`
          : data.told === 0 ? html`<${Nothing} isLive=${isLive}><p>Each training is a dot here.</p><//>`
          : detail.best === null && !isLive ? html`<${Empty} title="No training has come to a score.">
              <p>Why each of them failed is <a href=${runPath(run, "evaluations")}>in the evaluations</a>.</p><//>`
          : html`<${Course} chart=${data} xLabel=${AXIS_TITLES[data.x]} isClose=${isClose} chosen=${chosen === null ? null : Number(chosen)}
              byStatus=${live.latest.progressed?.told >= detail.evaluated ? live.latest.progressed.by_status : detail.by_status} />`}
      <//>
      ${detail.best_candidates.length > 0 && html`<div class="wide stack">
        <${Best} detail=${detail} />
        <${Operators} operators=${detail.operators} />
        <${Population} progressed=${live.latest.progressed} metric=${detail.metric} />
      </div>`}
      <div class="stack ${detail.best_candidates.length ? "third" : ""}">
        ${detail.evaluated > 0 && html`<${Failures} detail=${detail} />`}
        <${Nodes} detail=${detail} progressed=${live.latest.progressed} isLive=${isLive} />
        <${Rungs} detail=${detail} progressed=${live.latest.progressed} />
        <${Baselines} detail=${detail} live=${live} />
      </div>
      ${data && data.told > 0 && html`<${Usage} chart=${data} />`}
    </div>
  </div>`;
}

const columnsOf = (pairs) => [pairs.map(([x]) => x), pairs.map(([, value]) => value)];

/** How many candidates were trained at a time, and what computing they took. */
function Usage({ chart }) {
  const whole = chart.x === "evaluations";
  const times = whole ? undefined : stretch;
  const [usedAt, used] = useMemo(() => columnsOf(chart.utilisation), [chart]);
  const [costAt, cost] = useMemo(() => columnsOf(chart.cost), [chart]);
  const xLabel = AXIS_TITLES[chart.x];
  return html`
    ${usedAt.length > 1 && html`<${Panel} title="Trained at a time" class="half">
      <${Lines} x=${usedAt} series=${[{ label: "trained at a time", values: used, colour: "--first", fill: true }]}
        label="How many candidates were trained at a time, over ${xLabel}" xLabel=${xLabel} times=${times} whole=${whole} height=${180}
        range=${(_, low, high) => [0, Math.max(high ?? 1, 1) * 1.1]} format=${(value) => value.toFixed(1)} /><//>`}
    ${costAt.length > 1 && chart.x !== "cost" && html`<${Panel} title="Computing" class="half"
      aside=${html`${spent(cost.at(-1))} for ${count(chart.told)} trainings`}>
      <${Lines} x=${costAt} series=${[{ label: "computing", values: cost, colour: "--third", fill: true }]}
        label="Seconds of computing, over ${xLabel}" xLabel=${xLabel} times=${times} whole=${whole} height=${180} format=${duration}
        values=${stretch} range=${(_, low, high) => [0, Math.max(high ?? 1, 1) * 1.05]} /><//>`}`;
}
