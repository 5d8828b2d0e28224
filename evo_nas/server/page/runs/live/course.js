/** The course of a search: every training a dot, the best so far a line, the quartiles of the others a band. */
import { html, useMemo, useRef, useState } from "../../html.js";
import { Chart, axes, overlay, showHover } from "../../charts.js";
import { CAUSES, count, figure, short, stretch } from "../../format.js";
import { setQuery } from "../../router.js";

/** Statuses in the order of drawing, with the variable of their colour. */
const STATUSES = [
  ["pruned", "--soft"], ["ok", "--first"], ["trained", "--third"], ["diverged", "--bad"], ["timed_out", "--fifth"],
  ["too_big", "--fourth"], ["failed", "--bad"], ["poisoned", "--bad"],
];
/** Columns of a point, as the service says them. */
const ID = 1, X = 2, VALUE = 3, STATUS = 4, RUNG = 5, PARAMETERS = 6, OPERATOR = 7;
const REACH_PX = 18;
/** How many times the distance from the best to the median is seen. */
const FOCUS = 3;

export function Course({ chart, xLabel, chosen, byStatus, isClose }) {
  const [hidden, setHidden] = useState(() => new Set());
  const times = chart.x === "evaluations" ? short : stretch;
  const points = useMemo(() => chart.points.filter((point) => !hidden.has(point[STATUS])).sort((one, other) => one[X] - other[X]),
    [chart, hidden]);
  // New columns have the chart drawn again, as it must be for another choice, too; a new chart would forget its zoom.
  const data = useMemo(() => [points.map((point) => point[X]), points.map((point) => point[VALUE])], [points, chosen, isClose]);
  // The chart is made once; what it draws is looked up here.
  const shown = useRef(null);
  shown.current = { points, chosen, isClose, best: chart.best, band: chart.population, isHigherBetter: chart.higher_is_better !== false,
    end: Math.max(chart.points.at(-1)?.[X] ?? 0, chart.best.at(-1)?.[0] ?? 0) };
  const options = (paint) => courseOptions(paint, shown, { times, xLabel, yLabel: chart.metric.replaceAll("_", " ") });
  const toggle = (status) => setHidden((before) => {
    const next = new Set(before);
    if (!next.delete(status)) next.add(status);
    return next;
  });
  const present = STATUSES.filter(([status]) => byStatus[status] || chart.points.some((point) => point[STATUS] === status));
  return html`<div class="course">
    <div class="legend" role="group" aria-label="what is shown">
      <span class="key-line">best so far</span>
      ${chart.population.length > 1 && html`<span class="key-band">middle half</span>`}
      ${present.map(([status]) => html`<button type="button" key=${status} class="key-dot ${status}" aria-pressed=${!hidden.has(status)}
        onClick=${() => toggle(status)}>${CAUSES[status]}<small>${count(byStatus[status] ?? 0)}</small></button>`)}
    </div>
    <${Chart} options=${options} data=${data} height=${innerWidth < 700 ? 300 : 380} version=${chart.x}
      label="${chart.metric} of ${count(chart.told)} evaluations over ${xLabel}; the best is ${figure(chart.best.at(-1)?.[1])}" />
    <p class="hint">${chart.points.length < chart.told ? `${count(chart.points.length)} of ${count(chart.told)} evaluations are drawn, all records among them. ` : ""}
      A dot opens its candidate; drag to look closer, double-click to see all.</p>
  </div>`;
}

function courseOptions(paint, shown, { times, xLabel, yLabel }) {
  const colours = Object.fromEntries(STATUSES.map(([status, name]) => [status, paint(name)]));
  const line = paint("--second");
  const ink = paint("--ink");
  const none = () => null;
  return {
    scales: { x: { time: false }, y: { range: (chart) => rangeOf(chart, shown.current) } },
    axes: axes(paint, { x: xLabel, y: yLabel, times, whole: times === short }),
    cursor: { y: false, drag: { x: true, y: false }, points: { show: false } },
    series: [{}, { paths: none, points: { show: false } }],
    plugins: [{
      hooks: {
        draw: (chart) => drawCourse(chart, shown.current, { colours, line, ink }),
        ...hits(shown, times),
      },
    }],
  };
}

/** The values that are worth the space: with `isClose` about the better half, and the others are drawn at the edge. */
function rangeOf(chart, { points, isHigherBetter, isClose }) {
  const [from, to] = chart.series[0].idxs ?? [0, points.length - 1];
  const values = points.slice(from, to + 1).map((point) => point[VALUE]).filter((value) => value !== null).sort((one, other) => one - other);
  if (!values.length) return [0, 1];
  const median = values[values.length >> 1];
  let [low, high] = [values[0], values.at(-1)];
  if (isClose && isHigherBetter && high > median) low = Math.max(low, high - FOCUS * (high - median));
  if (isClose && !isHigherBetter && low < median) high = Math.min(high, low + FOCUS * (median - low));
  const span = high - low || Math.abs(high) || 1;
  // Below is the place of those without a value.
  return [low - 0.12 * span, high + 0.06 * span];
}

function drawCourse(chart, { points, best, band, end, chosen }, { colours, line, ink }) {
  const { ctx, bbox } = chart;
  const scale = devicePixelRatio || 1;
  const x = (value) => chart.valToPos(value, "x", true);
  const bottom = bbox.top + bbox.height;
  const rail = bottom - 6 * scale;
  const y = (value) => (value === null ? rail
    : Math.min(Math.max(chart.valToPos(value, "y", true), bbox.top + 3 * scale), rail - 8 * scale));
  ctx.save();
  ctx.beginPath();
  // The first and the last lie on the edge.
  ctx.rect(bbox.left - 4 * scale, bbox.top - 4 * scale, bbox.width + 8 * scale, bbox.height + 4 * scale);
  ctx.clip();
  if (band.length > 1) {
    ctx.beginPath();
    band.forEach(([at, low], index) => ctx[index ? "lineTo" : "moveTo"](x(at), y(low)));
    band.toReversed().forEach(([at, , , high]) => ctx.lineTo(x(at), y(high)));
    ctx.fillStyle = colours.ok;
    ctx.globalAlpha = 0.13;
    ctx.fill();
  }
  const size = (points.length > 800 || chart.width < 500 ? 2 : 3) * scale;
  for (const [status] of STATUSES) {
    ctx.fillStyle = colours[status];
    ctx.globalAlpha = status === "pruned" ? 0.5 : 0.75;
    ctx.beginPath();
    for (const point of points) {
      if (point[STATUS] !== status) continue;
      const [left, top] = [x(point[X]), y(point[VALUE])];
      if (point[VALUE] === null) ctx.rect(left - scale, top - 4 * scale, 2 * scale, 8 * scale);
      else {
        ctx.moveTo(left + size, top);
        ctx.arc(left, top, size, 0, 2 * Math.PI);
      }
    }
    ctx.fill();
  }
  ctx.globalAlpha = 1;
  if (best.length) {
    ctx.beginPath();
    best.forEach(([at, value], index) => {
      if (index) ctx.lineTo(x(at), y(best[index - 1][1]));
      ctx[index ? "lineTo" : "moveTo"](x(at), y(value));
    });
    ctx.lineTo(x(end), y(best.at(-1)[1]));
    ctx.strokeStyle = line;
    ctx.lineWidth = 2 * scale;
    ctx.lineJoin = "round";
    ctx.stroke();
  }
  const marked = points.find((point) => point[ID] === chosen);
  if (marked) {
    ctx.beginPath();
    ctx.arc(x(marked[X]), y(marked[VALUE]), 7 * scale, 0, 2 * Math.PI);
    ctx.strokeStyle = ink;
    ctx.lineWidth = 2 * scale;
    ctx.stroke();
  }
  ctx.restore();
}

/** Hooks that name the dot under the pointer, and open it. */
function hits(shown, times) {
  let box = null;
  let ring = null;
  let found = null;
  let pressed = null;
  return {
    init: (chart) => {
      [box, ring] = ["hover", "ring"].map((name) => overlay(chart, name));
      chart.over.addEventListener("mousedown", (event) => { pressed = event.clientX; });
      chart.over.addEventListener("click", (event) => {
        // Dragging chooses a stretch instead.
        if (found && Math.abs(event.clientX - pressed) < 4) setQuery({ candidate: found[ID] });
      });
    },
    setCursor: (chart) => {
      const { left, top } = chart.cursor;
      found = left >= 0 ? nearest(chart, shown.current.points, left, top) : null;
      ring.hidden = !found;
      chart.over.style.cursor = found ? "pointer" : "crosshair";
      if (found) {
        const [x, y] = placeOf(chart, found);
        ring.style.left = `${x}px`;
        ring.style.top = `${y}px`;
      }
      showHover(chart, box, left < 0 ? null : found ? pointLines(found, times) : bestLines(chart.posToVal(left, "x"), shown.current.best, times),
        left, top);
    },
  };
}

/** Where a point is drawn, in pixels of the plot. */
function placeOf(chart, point) {
  const { clientHeight: height } = chart.over;
  const y = point[VALUE] === null ? height - 6 : Math.min(Math.max(chart.valToPos(point[VALUE], "y"), 3), height - 14);
  return [chart.valToPos(point[X], "x"), y];
}

function nearest(chart, points, left, top) {
  const [first, last] = [left - REACH_PX, left + REACH_PX].map((place) => chart.valToIdx(chart.posToVal(place, "x")));
  let best = null;
  let least = REACH_PX;
  for (let index = first; index <= last; index++) {
    if (!points[index]) continue;
    const [x, y] = placeOf(chart, points[index]);
    const distance = Math.hypot(x - left, y - top);
    if (distance < least) [best, least] = [points[index], distance];
  }
  return best;
}

function pointLines(point, times) {
  const status = CAUSES[point[STATUS]] ?? point[STATUS];
  return [
    `#${point[ID]}${point[VALUE] === null ? "" : `  ${figure(point[VALUE])}`}`,
    point[RUNG] === null ? status : `${status} after ${point[RUNG]} epochs`,
    point[OPERATOR],
    `${count(point[PARAMETERS])} parameters`,
    `at ${times(point[X])}`,
  ].filter(Boolean);
}

function bestLines(at, best, times) {
  const reached = best.findLast(([x]) => x <= at);
  return reached ? [`best so far ${figure(reached[1])}`, `at ${times(at)}`] : null;
}
