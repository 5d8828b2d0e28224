/** The page `/`: all runs, searched, filtered, sorted, in pages, and seen while they go on. */
import { html, useEffect, useRef, useState } from "../html.js";
import { useApi } from "../api.js";
import { ago, count, counted, figure, moment, outOf } from "../format.js";
import { navigate, runPath, setQuery, withQuery } from "../router.js";
import {
  Button, Empty, ErrorBox, Loading, Pager, RUN_STATES, Sparkline, StateBadge, Table, useKeys, useSettled, useTitle,
} from "../ui.js";

const PER_PAGE = 50;
const REFRESH_MS = 4000;
const MOST_COMPARED = 8;
const NEWEST = { key: "last_result", order: "desc" };

export default function Runs({ route, service }) {
  useTitle("Runs");
  const { query } = route;
  const shown = {
    q: query.get("q") ?? "",
    state: query.get("state") ?? "",
    task: query.get("task") ?? "",
    sort: query.get("sort") ?? NEWEST.key,
    order: query.get("order") ?? NEWEST.order,
    page: Number(query.get("page") ?? 1),
  };
  const answer = useApi("/runs", { ...shown, per_page: PER_PAGE }, { every: REFRESH_MS });
  const runs = answer.data?.runs ?? [];
  // Known by its name: new results put the runs into another order.
  const [chosen, setChosen] = useState(null);
  const at = runs.findIndex((run) => run.name === chosen);
  const [marked, setMarked] = useState([]);
  const mark = (name) => setMarked(marked.includes(name) ? marked.filter((other) => other !== name) : [...marked, name].slice(-MOST_COMPARED));
  const compare = () => navigate(withQuery("/compare", { run: marked }));
  const search = useRef(null);
  useKeys((event) => {
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (event.key === "/") {
      event.preventDefault();
      search.current.focus();
    } else if (step && runs.length) {
      event.preventDefault();
      setChosen(runs[Math.min(Math.max(at + step, 0), runs.length - 1)].name);
    } else if (event.key === "Enter" && at >= 0 && !event.target.closest("a, button")) {
      navigate(runPath(chosen));
    } else if (event.key === "x" && at >= 0) {
      mark(chosen);
    } else if (event.key === "c" && marked.length > 1) {
      compare();
    } else if (event.key === "Escape") {
      setChosen(null);
    }
  });
  useEffect(() => document.querySelector("tr.chosen")?.scrollIntoView({ block: "nearest" }), [chosen]);
  const sortBy = (key) => setQuery({
    sort: key, page: null,
    order: shown.sort === key && shown.order === "desc" ? "asc" : "desc",
  }, { replace: true });
  const isFiltered = shown.q || shown.state || shown.task;
  return html`<div class="page runs">
    <div class="page-head">
      <h1>Runs</h1>
      <span class="soft" role="status">${answer.data ? count(answer.data.total) : ""}</span>
      <div class="actions">
        ${marked.length > 0 && html`<span class="soft">${counted(marked.length, "run")} chosen</span>
          <button type="button" class="link" onClick=${() => setMarked([])}>none</button>
          <${Button} disabled=${marked.length < 2} title=${marked.length < 2 ? "choose another one" : "c"} onClick=${compare}>Compare<//>`}
        <a class="button primary" href="/new">New search</a></div>
    </div>
    <${Filters} shown=${shown} tasks=${service?.tasks ?? []} search=${search} />
    <${ErrorBox} error=${answer.error} retry=${answer.reload} />
    ${answer.data?.reading ? html`<p class="soft" role="status">${counted(answer.data.reading, "run is", "runs are")} being read for the first time.</p>` : ""}
    ${answer.data?.unnamed.length ? html`<p class="soft">Not shown: ${answer.data.unnamed.join(", ")}. A name has at most 64 letters, digits and _ . -; rename the directories.</p>` : ""}
    ${!answer.data ? answer.error ? "" : html`<${Loading} />`
      : runs.length ? html`
        <${Table} caption="runs" columns=${[choice(marked, mark), ...COLUMNS]} rows=${runs} keyOf=${(run) => run.name}
          sort=${{ key: shown.sort, order: shown.order }} onSort=${sortBy} chosen=${chosen}
          onOpen=${(run) => navigate(runPath(run.name))} />
        <${Pager} page=${shown.page} pages=${Math.ceil(answer.data.total / PER_PAGE)}
          onPage=${(page) => setQuery({ page: page === 1 ? null : page })} />`
      : isFiltered || answer.data.total ? html`<${Empty} title=${answer.data.total ? "This page of the list is empty." : "No run is like this."}>
          <p><a href="/">Show all of them</a></p><//>`
      : html`<${Empty} title="There are no runs yet.">
          <p>A search finds a recurrent network for your data and says how good it is. The example takes two minutes.</p>
          <p><a class="button primary" href="/new">Start the first one</a></p><//>`}
  </div>`;
}

function Filters({ shown, tasks, search }) {
  const [typed, setTyped] = useState(shown.q);
  const settled = useSettled(typed);
  const asked = useRef(shown.q);
  useEffect(() => {
    if (settled === asked.current) return;
    asked.current = settled;
    setQuery({ q: settled, page: null }, { replace: true });
  }, [settled]);
  // Links and the history change it, too.
  useEffect(() => {
    if (shown.q === asked.current) return;
    asked.current = shown.q;
    setTyped(shown.q);
  }, [shown.q]);
  const choose = (name) => (event) => setQuery({ [name]: event.target.value, page: null }, { replace: true });
  const options = (all, values) => [html`<option value="">${all}</option>`,
    ...values.map((value) => html`<option key=${value} value=${value}>${value}</option>`)];
  return html`<div class="filters" role="search">
    <input ref=${search} type="search" placeholder="Search runs   /" aria-label="search runs" value=${typed}
      onInput=${(event) => setTyped(event.target.value)}
      onKeyDown=${(event) => event.key === "Escape" && event.target.blur()} />
    <select aria-label="state" value=${shown.state} onChange=${choose("state")}>${options("any state", RUN_STATES)}</select>
    <select aria-label="task" value=${shown.task} onChange=${choose("task")}>${options("any task", tasks)}</select>
  </div>`;
}

/** The column in which runs are chosen to be compared. */
const choice = (marked, mark) => ({
  key: "choice", title: html`<span class="hidden">chosen</span>`, class: "choice", value: (run) => html`<label><input type="checkbox"
    aria-label="compare ${run.name}" checked=${marked.includes(run.name)} onChange=${() => mark(run.name)} /></label>`,
});

const COLUMNS = [
  { key: "name", title: "Run", sort: true, class: "run-name", value: (run) => html`<a href=${runPath(run.name)}>${run.name}</a>
    <div class="under-name"><${StateBadge} state=${run.state} /> <small>${run.evaluated ? `${count(run.evaluated)}, ${ago(run.last_result)}` : "no results"}</small></div>` },
  { key: "state", title: "State", class: "less", value: (run) => html`<${StateBadge} state=${run.state} title=${run.error || null} />` },
  { key: "task", title: "Task", class: "less", value: (run) => run.task || "-" },
  { key: "strategy", title: "Strategy", class: "less", value: (run) => run.strategy || "-" },
  { key: "evaluated", title: "Evaluated", number: true, class: "less", value: (run) => outOf(run.evaluated, run.evaluations, " / ") },
  { key: "sparkline", title: "Best so far", value: (run) => html`<${Sparkline} values=${run.sparkline}
    label="best so far, from ${figure(run.sparkline?.[0])} to ${figure(run.best)}" />` },
  { key: "best", title: "Best", number: true, sort: true, value: (run) => html`<span title=${direction(run)}>${figure(run.best)}</span>` },
  { key: "metric", title: "Metric", class: "soft less", value: (run) => run.metric },
  { key: "test", title: "Champion's test", class: "less", number: true, value: (run) => figure(run.test) },
  { key: "last_result", title: "Last result", number: true, sort: true, class: "soft less",
    value: (run) => html`<time title=${moment(run.last_result)}>${ago(run.last_result)}</time>` },
];

const direction = (run) => (run.higher_is_better ? "higher is better" : "lower is better");
