/** Verdicts, ranks and configurations of several runs as tables. */
import { html } from "../html.js";
import { count, figure, setting } from "../format.js";
import { Prose } from "../prose.js";
import { runPath } from "../router.js";
import { ErrorBox, Panel, Table } from "../ui.js";
import { colourOf } from "./colours.js";

const named = (name, index) => html`<i class="swatch ${colourOf(index)}" aria-hidden="true"></i> <a href=${runPath(name)}>${name}</a>`;

export function Verdicts({ data }) {
  const rows = data.runs.map((run, index) => ({ ...run, index }));
  const opponents = [...new Set(rows.flatMap(({ verdict }) => Object.keys(verdict?.tests ?? {}).filter((name) => !verdict.baselines.includes(name))))]
    .filter((name) => name !== "champion");
  return html`<${Panel} title="Verdicts" aside=${html`<span class="soft small">champion and what it competed with on the test part</span>`}>
    <${Table} caption="verdicts of the runs" rows=${rows} keyOf=${(run) => run.name} columns=${[
    { key: "name", title: "run", class: "run-name", value: (run) => named(run.name, run.index) },
    { key: "evaluated", title: "evaluated", number: true, class: "less", value: (run) => count(run.evaluated) },
    { key: "metric", title: "metric", class: "soft less", value: (run) => run.metric && `${run.metric}\u00a0${run.higher_is_better ? "↑" : "↓"}` },
    { key: "best", title: "best", number: true, class: "less", value: (run) => figure(run.best) },
    { key: "champion", title: "champion", number: true, value: (run) => html`<b>${figure(run.verdict?.tests.champion)}</b>` },
    ...opponents.map((name) => ({ key: name, title: name, number: true, value: (run) => figure(run.verdict?.tests[name]) })),
    { key: "baseline", title: "strongest baseline", number: true, value: (run) => strongest(run.verdict) },
  ]} />
  ${rows.filter((run) => run.error).map((run) => html`<${ErrorBox} key=${run.name} error=${{ message: `${run.name}: ${run.error}` }} />`)}
  ${rows.filter((run) => run.verdict).map((run) => html`<p class="sentence small" key=${run.name}>
    ${named(run.name, run.index)}: <${Prose} text=${run.verdict.sentence} /></p>`)}<//>`;
}

/** The baseline that is hardest to beat, with its name. */
function strongest(verdict) {
  const [name] = verdict?.baselines ?? [];
  return name === undefined ? "-" : html`${figure(verdict.tests[name])}<br /><small class="soft">${name}</small>`;
}

/** Mean ranks of champion, opponents and baselines, where there are several verdicts. */
export function Ranking({ data: { ranking, remark } }) {
  if (!ranking) return remark && html`<p class="soft small">${remark}</p>`;
  return html`<${Panel} title="Mean ranks"><${Table} caption="mean ranks" rows=${ranking.competitors} keyOf=${(each) => each.name} columns=${[
    { key: "name", title: "", value: (each) => each.name },
    { key: "rank", title: "mean rank", number: true, value: (each) => each.mean_rank.toFixed(2) },
    { key: "wins", title: "better than the champion", number: true, value: (each) => each.wins },
    { key: "losses", title: "worse", number: true, value: (each) => each.losses },
  ]} /><p>${ranking.sentence}</p>
  ${ranking.remarks.map((each) => html`<p class="soft small" key=${each}>${each}</p>`)}<//>`;
}

/** The keys in which the configurations differ. */
export function Differences({ data }) {
  const rows = Object.entries(data.differences);
  const readable = data.runs.map((run, index) => ({ ...run, index })).filter((run) => !run.error);
  return html`<${Panel} title="Configurations">${rows.length === 0 ? html`<p class="soft">They do not differ.</p>`
    : html`<${Table} caption="keys that differ" class="differences" rows=${rows} keyOf=${([key]) => key} columns=${[
      { key: "key", title: "key", value: ([key]) => html`<code>${key}</code>` },
      ...readable.map((run, place) => ({ key: run.name, title: named(run.name, run.index), class: "config-value",
        value: ([, values]) => html`<code>${values[place] === null ? "-" : setting(values[place])}</code>` })),
    ]} />`}<//>`;
}
