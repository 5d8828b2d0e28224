/** Verdicts, ranks and configurations of several runs as tables. */
import { html } from "../html.js";
import { figure } from "../format.js";
import { runPath } from "../router.js";
import { Panel, StateBadge, Table } from "../ui.js";
import { colourOf } from "./colours.js";

const named = (name, index) => html`<i class="swatch ${colourOf(index)}" aria-hidden="true"></i> <a href=${runPath(name)}>${name}</a>`;

export function Verdicts({ data }) {
  const rows = data.runs.map((run, index) => ({ ...run, index }));
  const opponents = [...new Set(rows.flatMap((run) => run.verdict?.opponents.map((each) => each.name) ?? []))];
  const testOf = (run, name) => run.verdict?.opponents.find((each) => each.name === name)?.test;
  return html`<${Panel} title="Verdicts"><${Table} caption="verdicts of the runs" rows=${rows} keyOf=${(run) => run.name} columns=${[
    { key: "name", title: "run", value: (run) => named(run.name, run.index) },
    { key: "state", title: "state", value: (run) => html`<${StateBadge} state=${run.state} />` },
    { key: "metric", title: "metric", class: "soft", value: (run) => `${run.metric} ${run.higher_is_better ? "↑" : "↓"}` },
    { key: "best", title: "best", number: true, value: (run) => figure(run.best.at(-1)?.[1]) },
    { key: "champion", title: "champion's test", number: true, value: (run) => html`<b>${figure(run.verdict?.champion.test)}</b>` },
    ...opponents.map((name) => ({ key: name, title: name, number: true, value: (run) => figure(testOf(run, name)) })),
    { key: "baseline", title: "strongest baseline", number: true, value: strongest },
  ]} />
  ${rows.filter((run) => run.sentence).map((run) => html`<p class="sentence small" key=${run.name}>${named(run.name, run.index)}: ${run.sentence}</p>`)}<//>`;
}

function strongest(run) {
  const baselines = Object.entries(run.verdict?.baselines ?? {});
  if (!baselines.length) return "-";
  const [name, value] = baselines.reduce((best, each) => ((each[1] > best[1]) === run.higher_is_better ? each : best));
  return html`${figure(value)} <small class="soft">${name}</small>`;
}

/** Mean ranks of champion, opponents and baselines, where there are several verdicts. */
export function Ranking({ data }) {
  const ranks = data.ranking?.ranks;
  if (!ranks) return null;
  return html`<${Panel} title="Mean ranks"><${Table} caption="mean ranks" rows=${Object.entries(ranks)} keyOf=${([name]) => name} columns=${[
    { key: "name", title: "", value: ([name]) => name },
    { key: "rank", title: "mean rank", number: true, value: ([, rank]) => rank.toFixed(2) },
  ]} />${data.ranking.sentence && html`<p>${data.ranking.sentence}</p>`}<//>`;
}

/** The keys in which the configurations differ. */
export function Differences({ data }) {
  const rows = data.differences;
  return html`<${Panel} title="Configurations">${rows.length === 0 ? html`<p class="soft">They do not differ.</p>`
    : html`<${Table} caption="keys that differ" rows=${rows} keyOf=${(row) => row.key} columns=${[
      { key: "key", title: "key", value: (row) => html`<code>${row.key}</code>` },
      ...data.runs.map((run, index) => ({ key: run.name, title: named(run.name, index), class: "config-value",
        value: (row) => html`<code>${shown(row.values[run.name])}</code>` })),
    ]} />`}<//>`;
}

const shown = (value) => (value === undefined || value === null ? "-" : typeof value === "string" ? value : JSON.stringify(value).replaceAll(",", ", "));
