/** The tab `evaluations` of a run: every training, in pages, and as files. */
import { html, useEffect, useState } from "../html.js";
import { apiPath, ofRun, useApi } from "../api.js";
import { CAUSES, FAILURES, ago, count, epochs, figure, moment, origin, spent } from "../format.js";
import { setQuery } from "../router.js";
import { Badge, Button, Empty, ErrorBox, Loading, Segmented, Table, cls, useKeys } from "../ui.js";
import { goesOn } from "./states.js";

const PER_PAGE = 50;
const REFRESH_MS = 4000;
const FORMATS = [["csv", "CSV"], ["parquet", "Parquet"]];
const NEWEST = "-seq";

export default function Evaluations({ run, detail, live, route }) {
  const { query } = route;
  const status = query.get("status") ?? "";
  const sort = query.get("sort") ?? NEWEST;
  const after = query.get("after");
  // Pages are known by where they begin, so that going back needs those that were seen.
  const [before, setBefore] = useState([]);
  const params = { limit: PER_PAGE, sort, after, status: status === "failures" ? FAILURES : status };
  const isLive = goesOn(detail.state) && !live.ended;
  const answer = useApi(ofRun(run, "evaluations"), params, { every: isLive && after === null ? REFRESH_MS : 0 });
  const { data, error } = answer;
  // The last results may have come after the last asking.
  useEffect(() => {
    if (data && after === null && !isLive) answer.reload();
  }, [detail.evaluated, isLive]);
  const rows = data?.evaluations ?? [];
  const chosen = query.has("candidate") ? Number(query.get("candidate")) : null;
  const begin = (values) => {
    setBefore([]);
    setQuery({ after: null, ...values }, { replace: true });
  };
  const next = () => {
    setBefore([...before, after]);
    setQuery({ after: data.next });
  };
  const back = () => {
    setBefore(before.slice(0, -1));
    setQuery({ after: before.at(-1) ?? null });
  };
  useKeys((event) => {
    const step = { j: 1, k: -1 }[event.key];
    if (!step || !rows.length) return;
    const at = rows.findIndex((row) => row.id === chosen);
    const row = rows[at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1)];
    setQuery({ candidate: row.id }, { replace: true });
  });
  // Beside an open candidate there is place for less.
  const columns = chosen === null ? COLUMNS : COLUMNS.filter(({ key }) => !BROAD.includes(key));
  return html`<div class="evaluation">
    <div class="row spread evaluations-head">
      <${Statuses} byStatus=${detail.by_status} status=${status} onChange=${(value) => begin({ status: value })} />
      <div class="actions"><span class="soft">All of them:</span>
        ${FORMATS.map(([format, text]) => html`<a key=${format} class="button small" download
          href=${apiPath(ofRun(run, "evaluations"), { format, status: params.status })}>${text}</a>`)}
        <a class="button small" href=${apiPath(ofRun(run, "evaluations"), { ...params, limit: 1000, format: "json" })}
          download="${run}-evaluations.json" title="the first 1,000, as they are sorted here">JSON</a></div>
    </div>
    <${ErrorBox} error=${error} retry=${answer.reload} />
    ${!data ? error ? "" : html`<${Loading} lines=${8} />`
      : !rows.length ? html`<${Empty} title=${status ? "No evaluation has ended like this." : "There are no evaluations yet."} />`
      : html`
        <${Table} caption="evaluations" rows=${rows} keyOf=${(row) => row.id} columns=${columns} chosen=${chosen}
          busy=${answer.loading && !isLive} sort=${sortOf(sort)} onSort=${(key) => begin({ sort: turned(sort, key) })}
          onOpen=${(row) => setQuery({ candidate: row.id })} />
        <nav class="pager" aria-label="pages of the list">
          <${Button} class="small" disabled=${after === null} onClick=${before.length ? back : () => begin({})}>${
            before.length || after === null ? "Previous" : "First"}<//>
          <span>${count(data.total)} in all</span>
          <${Button} class="small" disabled=${data.next === null} onClick=${next}>Next<//>
        </nav>`}
  </div>`;
}

function Statuses({ byStatus, status, onChange }) {
  const all = Object.values(byStatus).reduce((sum, number) => sum + number, 0);
  const failed = FAILURES.filter((cause) => byStatus[cause]);
  const failures = failed.reduce((sum, cause) => sum + byStatus[cause], 0);
  const rest = Object.keys(byStatus).filter((cause) => !FAILURES.includes(cause));
  const options = [
    ["", "all", all],
    ...rest.map((cause) => [cause, CAUSES[cause] ?? cause, byStatus[cause]]),
    ...(failed.length > 1 ? [["failures", "no score", failures]] : []),
    ...failed.map((cause) => [cause, CAUSES[cause], byStatus[cause]]),
  ];
  // Where there is but one cause, all failures are those of it.
  const pressed = status === "failures" && failed.length === 1 ? failed[0] : status;
  return html`<${Segmented} label="status" value=${pressed} onChange=${onChange}
    options=${options.map(([value, text, number]) => [value, `${text} ${count(number)}`])} />`;
}

const sortOf = (sort) => ({ key: sort.replace("-", ""), order: sort.startsWith("-") ? "desc" : "asc" });

/** The sort after a press on the heading of `key`: descending first, then ascending. */
const turned = (sort, key) => (sort === `-${key}` ? key : `-${key}`);

const BROAD = ["worker", "train_s"];
const COLUMNS = [
  { key: "id", title: "Candidate", value: (row) => html`<a href="?candidate=${row.id}" onClick=${opened(row.id)}>#${row.id}</a>` },
  { key: "status", title: "Status", value: (row) => html`<${Status} status=${row.status} />` },
  { key: "value", title: "Value", number: true, sort: true, value: (row) => figure(row.value) },
  { key: "epochs", title: "Epochs", number: true, class: "less", value: (row) => epochs(row.epochs, row.budget) },
  { key: "parameters", title: "Parameters", number: true, sort: true, value: (row) => count(row.parameters) },
  { key: "operator", title: "Origin", class: "origin less", value: (row) => html`${row.repeats !== null ? `repeats #${row.repeats}`
    : row.continues !== null ? `continues #${row.continues}` : origin(row.operator, row.parents)}${
    row.error ? html`<br /><span class="message">${row.error}</span>` : ""}` },
  { key: "train_s", title: "Training", number: true, sort: true, class: "less", value: (row) => spent(row.train_s) },
  { key: "worker", title: "Worker", class: "soft less", value: (row) => [row.node, row.worker].filter(Boolean).join(" · ") || "-" },
  { key: "seq", title: "Finished", number: true, sort: true, class: "soft",
    value: (row) => html`<time title="${moment(row.finished_at)}, no. ${count(row.seq + 1)}">${ago(row.finished_at)}</time>` },
];

/** Opens a candidate and leaves the rest of the address, which a plain link would not. */
export const opened = (candidate) => (event) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  setQuery({ candidate });
};

/** Why a training ended, as a badge. */
export const Status = ({ status }) => html`<${Badge} tone=${cls("status", status)}>${CAUSES[status] ?? status}<//>`;
