/** The tab `front` of a run: the networks that no other beats in all objectives. */
import { html, useMemo, useRef, useState } from "../html.js";
import { ofRun, useApi } from "../api.js";
import { Chart, axes, overlay, showHover } from "../charts.js";
import { count, figure, short } from "../format.js";
import { runPath, setQuery } from "../router.js";
import { Empty, ErrorBox, Loading, Panel, Segmented, Table } from "../ui.js";
import { opened } from "./evaluations.js";
import { goesOn } from "./states.js";

const REFRESH_MS = 5000;
const FITNESS = "fitness";
const REACH_PX = 18;

export default function Front({ run, detail, live, route }) {
  const isLive = goesOn(detail.state) && !live.ended;
  const { data, error, reload } = useApi(ofRun(run, "front"), {}, { every: isLive ? REFRESH_MS : 0 });
  const costs = data?.objectives.filter(({ name }) => name !== FITNESS) ?? [];
  const asked = route.query.get("cost");
  const cost = costs.find(({ name }) => name === asked) ?? costs[0];
  if (!data) return error ? html`<${ErrorBox} error=${error} retry=${reload} />` : html`<${Loading} lines=${8} />`;
  if (!costs.length) {
    return html`<${Empty} title="This run optimises one thing.">
      <p>Its best is ${detail.best === null ? "not known yet" : html`<b>${figure(detail.best)}</b>`}. With a cost among
        <code>fitness.objectives</code>, such as <code>parameters</code>, a search finds the best network of every size.</p>
      <p><a href="/new?run=${encodeURIComponent(run)}">New search from its configuration</a>${" · "}<a href=${runPath(run, "evaluations")}>its evaluations</a></p><//>`;
  }
  const chosen = route.query.has("candidate") ? Number(route.query.get("candidate")) : null;
  return html`<div class="stack">
    <${Panel} title="Pareto front" aside=${costs.length > 1 && html`<${Segmented} label="cost" value=${cost.name}
      options=${costs.map(({ name, heading }) => [name, heading])} onChange=${(name) => setQuery({ cost: name }, { replace: true })} />`}>
      <${ErrorBox} error=${error} retry=${reload} />
      ${data.members.length ? html`<${Plane} key=${cost.name} data=${data} cost=${cost} chosen=${chosen} />`
        : html`<${Empty} title="No network has a score yet." />`}
      ${data.objectives.filter(({ constant }) => constant).map(({ name, heading }) => html`<p key=${name} class="hint">
        All candidates are equal in ${heading}, so that it decides nothing so far.</p>`)}
    <//>
    ${data.members.length > 0 && html`<${Panel} title="Members" aside=${`${count(data.members.length)}, the fittest first`}>
      <${Table} caption="members of the front" rows=${data.members} keyOf=${(row) => row.id} chosen=${chosen} columns=${columnsFor(data, costs)}
        onOpen=${(row) => setQuery({ candidate: row.id })} /><//>`}
  </div>`;
}

const columnsFor = (data, costs) => [
  { key: "id", title: "Candidate", value: (row) => html`<a href="?candidate=${row.id}" onClick=${opened(row.id)}>#${row.id}</a>` },
  { key: "value", title: data.metric.replaceAll("_", " "), number: true, value: (row) => figure(row.value) },
  ...costs.map(({ name, heading }) => ({ key: name, title: heading, number: true, value: (row) => written(row.costs[name]) })),
  { key: "words", title: "Architecture", class: "clipped less", value: (row) => html`<span title=${row.words}>${row.words}</span>` },
];

const written = (cost) => (Number.isInteger(cost) ? count(cost) : figure(cost));

/** The metric over one cost: members with the line between them, and a sample of the others. */
function Plane({ data, cost, chosen }) {
  const [wanted, setWanted] = useState(() => spread(data, cost.name) > 30);
  const points = useMemo(() => [
    ...data.dominated.map((point) => ({ ...point, isMember: false })),
    ...data.members.map((point) => ({ ...point, isMember: true })),
  ].map((point) => ({ ...point, x: point.costs[cost.name] })).filter(({ x, value }) => typeof x === "number" && typeof value === "number")
    .sort((one, other) => one.x - other.x), [data, cost.name]);
  // Nothing has no logarithm.
  const canBe = points.every(({ x }) => x > 0);
  const logarithmic = wanted && canBe;
  const columns = useMemo(() => [points.map(({ x }) => x), points.map(({ value }) => value)], [points, chosen]);
  const shown = useRef(null);
  // With more objectives the line is that of this plane alone.
  shown.current = { points, chosen, steps: stepsOf(points.filter(({ isMember }) => isMember), data.higher_is_better !== false), heading: cost.heading };
  const metric = data.metric.replaceAll("_", " ");
  return html`<div class="course">
    <div class="legend"><span class="key-line front">the front</span><span class="key-dot">members</span><span class="key-dot pruned">others</span>
      ${canBe && html`<label><input type="checkbox" checked=${wanted} onChange=${(event) => setWanted(event.target.checked)} />logarithmic</label>`}</div>
    <${Chart} options=${(paint) => planeOptions(paint, shown, { metric, heading: cost.heading, logarithmic })} data=${columns} height=${innerWidth < 700 ? 300 : 400}
      version=${logarithmic} label="${metric} over ${cost.heading} of ${count(data.members.length)} members of the front" />
    <p class="hint">${data.higher_is_better ? "Above and to the left" : "Below and to the left"} is better. A dot opens its candidate.</p></div>`;
}

/** How many times the smallest cost the largest is. */
function spread(data, name) {
  const values = [...data.members, ...data.dominated].map(({ costs }) => costs[name]).filter((value) => value > 0);
  return values.length ? Math.max(...values) / Math.min(...values) : 1;
}

/** The members that are the best of all that cost no more, the cheapest first. */
function stepsOf(members, higher) {
  const steps = [];
  for (const member of members) {
    const last = steps.at(-1);
    if (!last || (higher ? member.value > last.value : member.value < last.value)) steps.push(member);
  }
  return steps;
}

function planeOptions(paint, shown, { metric, heading, logarithmic }) {
  const colours = { member: paint("--first"), other: paint("--soft"), line: paint("--first"), ink: paint("--ink") };
  const [xAxis, yAxis] = axes(paint, { x: heading, y: metric });
  return {
    scales: { x: { time: false, distr: logarithmic ? 3 : 1, range: (_, low, high) => around(low, high, logarithmic) },
      y: { range: (_, low, high) => around(low, high, false) } },
    axes: logarithmic ? [{ ...xAxis, splits: decades, filter: (_, splits) => splits }, yAxis] : [xAxis, yAxis],
    cursor: { y: false, x: false, drag: { x: true, y: false }, points: { show: false } },
    series: [{}, { paths: () => null, points: { show: false } }],
    plugins: [{ hooks: { draw: (chart) => drawPlane(chart, shown.current, colours), ...picks(shown) } }],
  };
}

/** Marks at 1, 2 and 5 of every power of ten. */
function decades(_chart, _axis, low, high) {
  const marks = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    marks.push(...[1, 2, 5].map((digit) => digit * 10 ** power).filter((mark) => mark >= low && mark <= high));
  }
  return marks;
}

function around(low, high, logarithmic) {
  if (low === null) return logarithmic ? [1, 10] : [0, 1];
  if (logarithmic) return [low / 1.3, high * 1.3];
  const space = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - space, high + space];
}

function drawPlane(chart, { points, steps, chosen }, colours) {
  const { ctx, bbox } = chart;
  const scale = devicePixelRatio || 1;
  const place = ({ x, value }) => [chart.valToPos(x, "x", true), chart.valToPos(value, "y", true)];
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const isMember of [false, true]) {
    ctx.fillStyle = isMember ? colours.member : colours.other;
    ctx.globalAlpha = isMember ? 1 : 0.45;
    ctx.beginPath();
    for (const point of points.filter((each) => each.isMember === isMember)) {
      const [x, y] = place(point);
      const radius = (isMember ? 4.5 : 2.5) * scale;
      ctx.moveTo(x + radius, y);
      ctx.arc(x, y, radius, 0, 2 * Math.PI);
    }
    ctx.fill();
  }
  ctx.globalAlpha = 0.8;
  ctx.strokeStyle = colours.line;
  ctx.lineWidth = 1.75 * scale;
  ctx.beginPath();
  steps.forEach((step, index) => {
    const [x, y] = place(step);
    if (index) ctx.lineTo(x, place(steps[index - 1])[1]);
    ctx[index ? "lineTo" : "moveTo"](x, y);
  });
  // What costs more is no better, so that the last holds to the edge.
  if (steps.length) ctx.lineTo(bbox.left + bbox.width, place(steps.at(-1))[1]);
  ctx.stroke();
  const marked = points.find(({ id }) => id === chosen);
  if (marked) {
    ctx.globalAlpha = 1;
    ctx.beginPath();
    ctx.arc(...place(marked), 8 * scale, 0, 2 * Math.PI);
    ctx.strokeStyle = colours.ink;
    ctx.lineWidth = 2 * scale;
    ctx.stroke();
  }
  ctx.restore();
}

/** Hooks that name the network under the pointer, and open it. */
function picks(shown) {
  let box = null;
  let found = null;
  let pressed = null;
  return {
    init: (chart) => {
      box = overlay(chart, "hover");
      chart.over.addEventListener("mousedown", (event) => { pressed = event.clientX; });
      chart.over.addEventListener("click", (event) => {
        if (found && Math.abs(event.clientX - pressed) < 4) setQuery({ candidate: found.id });
      });
    },
    setCursor: (chart) => {
      const { left, top } = chart.cursor;
      found = left < 0 ? null : nearest(chart, shown.current.points, left, top);
      chart.over.style.cursor = found ? "pointer" : "crosshair";
      showHover(chart, box, found && [`#${found.id}  ${figure(found.value)}`, `${short(found.x)} ${shown.current.heading}`,
        found.isMember ? "on the front" : "beaten by another"], left, top);
    },
  };
}

function nearest(chart, points, left, top) {
  let [best, least] = [null, REACH_PX];
  for (const point of points) {
    // Members lie above the others, and are meant before them.
    const distance = Math.hypot(chart.valToPos(point.x, "x") - left, chart.valToPos(point.value, "y") - top) - (point.isMember ? 4 : 0);
    if (distance < least) [best, least] = [point, distance];
  }
  return best;
}
