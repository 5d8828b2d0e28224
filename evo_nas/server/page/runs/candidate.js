/** One candidate beside the tab that is open: its training, its family, and what it computes. */
import { html, useEffect, useRef } from "../html.js";
import { ofRun, useApi } from "../api.js";
import { Lines } from "../charts.js";
import { Cells } from "../champion/explanation.js";
import { count, counted, epochs, figure, moment, origin, spent, words } from "../format.js";
import { runPath, setQuery } from "../router.js";
import { Copy, ErrorBox, Loading, Stat, useKeys } from "../ui.js";
import { Status, opened } from "./evaluations.js";

const capital = (text) => text[0].toUpperCase() + text.slice(1);
const close = () => setQuery({ candidate: null });

/** What had the focus before a candidate was opened. */
let opener = null;

/** Takes the focus to `heading`, and back to where it was once the candidate is closed. */
function useBorrowedFocus(heading) {
  useEffect(() => {
    const { activeElement } = document;
    if (!activeElement.closest(".drawer")) opener = activeElement;
    heading.current?.focus({ preventScroll: true });
    return () => opener?.isConnected && opener.focus({ preventScroll: true });
  }, []);
}

/** Gets the `id` of the candidate and the `detail` of its run. */
export function Candidate({ run, id, detail }) {
  const { data, error, reload } = useApi(Number.isInteger(id) ? ofRun(run, `candidates/${id}`) : null);
  const heading = useRef(null);
  useBorrowedFocus(heading);
  useKeys((event) => event.key === "Escape" && close());
  return html`<aside class="drawer" aria-label="candidate ${id}">
    <header><h2 ref=${heading} tabindex="-1">#${Number.isInteger(id) ? id : "?"}</h2>
      ${data && html`<${Status} status=${data.status} />`}
      <button type="button" class="cross" aria-label="close" onClick=${close}>×</button></header>
    ${!Number.isInteger(id) && html`<p>A candidate is named by its number.</p>`}
    <${ErrorBox} error=${error} retry=${reload} />
    ${data ? html`<${Shown} run=${run} row=${data} detail=${detail} />` : error ? "" : html`<${Loading} lines=${6} />`}
  </aside>`;
}

function Shown({ run, row, detail }) {
  return html`
    <dl class="stats">
      <${Stat} label=${capital(words(detail.metric) || "value")} note=${row.trainings > 1 ? `mean of ${row.trainings} trainings` : null}>${figure(row.value)}<//>
      <${Stat} label="Parameters" note=${row.table_parameters ? `${count(row.table_parameters)} in tables` : null}>${count(row.parameters)}<//>
      <${Stat} label="Epochs">${epochs(row.epochs, row.budget)}<//>
      <${Stat} label="Training" note=${row.cpu_s ? `${spent(row.cpu_s)} of computing` : null}>${spent(row.train_s)}<//>
    </dl>
    ${row.error && html`<${ErrorBox} error=${new Error(row.error)} />`}
    <p>${row.words}</p>
    <${Curve} row=${row} metric=${words(detail.metric)} sign=${detail.higher_is_better === false ? -1 : 1} />
    <${Family} run=${run} row=${row} />
    ${row.cells.length > 0 && html`<${Cells} explanation=${{ cells: row.cells, drawing: row.drawing, architecture: "" }} />`}
    <h3>Measured</h3>
    <${Facts} facts=${Object.entries(row.metrics).map(([name, value]) => [words(name), figure(value)])} />
    <h3>Training</h3>
    <${Facts} facts=${trainingFacts(row)} />
    ${row.architecture && html`<details><summary>Its architecture as JSON</summary>
      <${Copy} text=${JSON.stringify(row.architecture)} /><pre tabindex="0">${JSON.stringify(row.architecture, null, 1)}</pre></details>`}`;
}

const Facts = ({ facts }) => html`<dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

const trainingFacts = (row) => [
  ["finished", moment(row.finished_at)],
  ["worker", [row.node, row.worker].filter(Boolean).join(" · ")],
  ["attempt", row.attempt > 1 ? `${row.attempt}, since workers were lost` : ""],
  ["waited", row.queue_s ? spent(row.queue_s) : ""],
  ["steps", count(row.steps)],
  ["begins with", row.starts_from ? `${row.starts_from} (${counted(row.inherited_steps, "step")} inherited)` : ""],
  ["remembered from", row.source],
  ["stretch of", row.trains],
  ["backend", row.backends.join(", ")],
  ["seed", String(row.seed)],
  ["identity", html`<code>${row.canonical_hash}</code>`],
].filter(([, value]) => value);

/** The validation metric after each epoch, and what was needed at the rungs. */
function Curve({ row, metric, sign }) {
  if (row.curve.length < 2) return null;
  const places = row.curve.map((_, index) => index + 1);
  const needed = new Map(row.rungs.map((rung, index) => [rung, row.thresholds[index]]).filter(([, value]) => typeof value === "number"));
  const series = [{ label: metric, values: row.curve, colour: "--first" }];
  if (places.some((epoch) => needed.has(epoch))) {
    series.push({ label: "needed", values: places.map((epoch) => (needed.has(epoch) ? sign * needed.get(epoch) : null)), colour: "--second", points: true });
  }
  return html`<h3>Learning curve</h3>
    <${Lines} x=${places} series=${series} label="${metric} after each of ${places.length} epochs" xLabel="epochs" whole height=${170} />
    ${series.length > 1 && html`<p class="hint">Circles: what was needed to go on at a rung.</p>`}`;
}

function Family({ run, row }) {
  const others = row.all_trainings.filter((id) => id !== row.id);
  return html`<h3>Family</h3>
    <p>${row.repeats !== null ? html`Trains ${link(row.repeats)} again.` : row.continues !== null ? html`Continues ${link(row.continues)}.`
      : `Made by ${origin(row.operator, row.parents)}.`}
      ${others.length > 0 && html` The same network: ${others.slice(0, 12).map((id, index) => html`${index ? ", " : ""}${link(id)}`)}.`}
      ${" "}<a href="${runPath(run, "lineage")}?candidate=${row.id}">Its ancestors as a tree</a></p>
    <${Relatives} title="Parents" nodes=${row.parent_nodes} />
    <${Relatives} title=${counted(row.children, "child", "children")} nodes=${row.child_nodes} />`;
}

const link = (id) => html`<a href="?candidate=${id}" onClick=${opened(id)}>#${id}</a>`;

function Relatives({ title, nodes }) {
  if (!nodes.length) return null;
  return html`<details open=${nodes.length <= 3}><summary>${title}</summary>
    <ul class="family">${nodes.map((node) => html`<li key=${node.id}><span>${link(node.id)} ${node.operator}</span>
      <span class="number">${figure(node.value)}</span></li>`)}</ul></details>`;
}
