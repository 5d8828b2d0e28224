/** What stands below the course of a run: its best, failures, machines, population, rungs, operators and baselines. */
import { html } from "../../html.js";
import { CAUSES, count, counted, duration, figure, percent, spent, words } from "../../format.js";
import { runPath } from "../../router.js";
import { Bars, Panel, Table } from "../../ui.js";
import { opened } from "../evaluations.js";

export const candidateLink = (id) => html`<a href="?candidate=${id}" onClick=${opened(id)}>#${id}</a>`;

/** The best candidates. */
export function Best({ detail }) {
  const rows = detail.best_candidates;
  if (!rows.length) return null;
  return html`<${Panel} title="Best candidates" aside=${html`<a href=${runPath(detail.name, "evaluations")}>all evaluations</a>`}>
    <${Table} caption="best candidates" rows=${rows} keyOf=${(row) => row.id} columns=${BEST} /><//>`;
}

const BEST = [
  { key: "id", title: "Candidate", value: (row) => candidateLink(row.id) },
  { key: "value", title: "Value", number: true, value: (row) => html`<span title=${row.trainings > 1 ? `the mean of ${row.trainings} trainings` : null}>${
    figure(row.value)}${row.trainings > 1 ? html`<small> ×${row.trainings}</small>` : ""}</span>` },
  { key: "parameters", title: "Parameters", number: true, value: (row) => count(row.parameters) },
  { key: "words", title: "Architecture", class: "clipped less", value: (row) => html`<span title=${row.words}>${row.words}</span>` },
];

/** Evaluations without a score, by cause and message. */
export function Failures({ detail }) {
  const total = detail.failures.reduce((sum, { count: number }) => sum + number, 0);
  return html`<${Panel} title="Failures" aside=${total ? html`<a href="${runPath(detail.name, "evaluations")}?status=failures">${count(total)} in all</a>` : ""}>
    ${total === 0 ? html`<p class="soft">No training came to nothing.</p>`
      : html`<ul class="failures">${detail.failures.map((cause) => html`<li key=${cause.status + cause.message}>
        <div class="row spread"><b>${CAUSES[cause.status] ?? words(cause.status)}</b><span class="number">${count(cause.count)}</span></div>
        ${cause.message && html`<p><code>${cause.message}</code></p>`}
        <p class="soft">such as ${candidateLink(cause.example)}</p></li>`)}</ul>`}<//>`;
}

/** Machines and their workers, and what the workers do with their time. */
export function Nodes({ detail, progressed, isLive }) {
  const activities = Object.entries((isLive && progressed?.workers.seconds) || {});
  const all = activities.reduce((sum, [, seconds]) => sum + seconds, 0);
  if (!detail.nodes.length && !all) return null;
  return html`<${Panel} title="Machines">
    ${detail.nodes.length > 0 && html`<${Table} caption="machines" rows=${detail.nodes} keyOf=${(node) => node.node} columns=${NODES} />`}
    ${all > 0 && html`<h3>What the workers do with their time</h3><${Bars} shares=${activities.map(([name, seconds]) =>
      [words(name), seconds / all, `${percent(seconds / all)}, ${duration(seconds)}`])} />`}
  <//>`;
}

const NODES = [
  { key: "node", title: "Machine", value: (node) => html`${node.node || "unknown"}<br /><small class="soft">${counted(node.workers, "worker")}</small>` },
  { key: "evaluations", title: "Evaluations", number: true, value: (node) => count(node.evaluations) },
  { key: "train_s", title: "Training", number: true, value: (node) => html`${spent(node.train_s)}${
    node.evaluations ? html`<br /><small class="soft">${spent(node.train_s / node.evaluations)} each</small>` : ""}` },
];

const COUNTS = ["size", "generation", "generations", "unique", "islands"];

/** What the strategy says of its population. */
export function Population({ progressed, metric }) {
  const entries = Object.entries(progressed?.population ?? {});
  if (!entries.length) return null;
  return html`<${Panel} title="Population" aside=${`fitness: ${words(metric)}, more is better`}>
    <dl class="facts">${entries.map(([name, value]) => html`<dt key="${name} t">${words(name)}</dt>
      <dd key=${name}>${COUNTS.includes(name) || Number.isInteger(value) ? count(value) : figure(value)}</dd>`)}</dl><//>`;
}

/** What rungs pruned and promoted. */
export function Rungs({ detail, progressed }) {
  const savings = progressed && progressed.told >= detail.evaluated ? progressed.savings : detail.savings;
  const pruned = Object.entries(savings.pruned);
  if (!pruned.length && !savings.promoted) return null;
  const all = pruned.reduce((sum, [, number]) => sum + number, 0) || 1;
  return html`<${Panel} title="Rungs" aside=${`${counted(savings.promoted, "training")} went on`}>
    <${Bars} shares=${pruned.map(([epochs, number]) => [`pruned after ${counted(Number(epochs), "epoch")}`, number / all, count(number)])} />
    <p class="hint">${count(savings.epochs)} of ${count(savings.full_epochs)} epochs were trained.</p><//>`;
}

/** What the children of each operator achieved. */
export function Operators({ operators }) {
  if (!operators.length) return null;
  return html`<${Panel} title="Operators"><${Table} caption="operators" rows=${operators}
    keyOf=${(row) => row.operator} columns=${OPERATORS} /><//>`;
}

const OPERATORS = [
  { key: "operator", title: "Operator", value: (row) => row.operator },
  { key: "children", title: "Children", number: true, value: (row) => count(row.children) },
  { key: "better", title: "Better", number: true, hint: "children that score higher than each of their parents",
    value: (row) => html`${count(row.better)}<small class="soft"> ${percent(row.children ? row.better / row.children : 0)}</small>` },
  { key: "failed", title: "Failed", number: true, value: (row) => count(row.failed) },
];

/** Test scores of simple baselines. */
export function Baselines({ detail, live }) {
  const told = live.latest.baselines;
  const rows = Object.entries(told?.results ?? detail.baselines);
  if (!rows.length) return null;
  return html`<${Panel} title="Baselines" aside=${`${words(told?.metric ?? detail.metric)} on the test part`}>
    <${Table} caption="baselines" rows=${rows} keyOf=${([name]) => name} columns=${BASELINES} /><//>`;
}

const BASELINES = [
  { key: "name", title: "Baseline", value: ([name, result]) => html`${name}${result.note ? html`<br /><small>${result.note}</small>` : ""}` },
  { key: "score", title: "Score", number: true, value: ([, result]) => figure(result.score) },
  { key: "cpu_s", title: "Computing", number: true, class: "soft", value: ([, result]) => spent(result.cpu_s) },
];
