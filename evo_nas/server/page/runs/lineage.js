/** The tab `lineage` of a run: where a candidate comes from, as a graph and as its line of first parents. */
import { html, useMemo, useState } from "../html.js";
import { ofRun, useApi } from "../api.js";
import { count, figure } from "../format.js";
import { setQuery } from "../router.js";
import { Button, Empty, ErrorBox, Loading, Panel, Segmented, Table } from "../ui.js";
import { opened } from "./evaluations.js";
import { Graph } from "./lineage/view.js";
import { laidOut } from "./lineage/layout.js";

/** More are drawn only when they are asked for. */
const AT_FIRST = 250;
/** Even more take longer to place than anybody waits. */
const AT_MOST = 800;

export default function Lineage({ run, detail, route }) {
  const candidate = route.query.get("candidate");
  const isBroad = route.query.get("of") === "best";
  const answer = useApi(ofRun(run, "lineage"), { candidate, all: isBroad || null });
  const [all, setAll] = useState(false);
  const { data, error } = answer;
  const most = all ? AT_MOST : AT_FIRST;
  const isDown = innerWidth < 700;
  const graph = useMemo(() => data && laidOut(data, { most, isDown }), [data, most, isDown]);
  const ways = html`<${Segmented} label="whose ancestors" value=${isBroad ? "best" : "one"} options=${[["one", "one candidate"], ["best", "the best 200"]]}
    onChange=${(way) => setQuery({ of: way === "best" ? "best" : null }, { replace: true })} />`;
  const left = data ? data.nodes.length - Math.min(data.nodes.length, most) : 0;
  return html`<div class="stack">
    <${Panel} title=${data?.candidate === null || !data ? "Lineage" : `Lineage of #${data.candidate}`} aside=${ways}>
      <${ErrorBox} error=${error} retry=${answer.reload} />
      ${!data ? error ? "" : html`<${Loading} lines=${8} />`
        : data.nodes.length === 0 ? html`<${Empty} title="No network has a score yet." />`
        : html`<${Graph} key="${data.candidate} ${isBroad} ${all}" graph=${graph} chosen=${data.candidate} line=${data.line}
            higher=${detail.higher_is_better !== false} onOpen=${(id) => setQuery({ candidate: id })} />
          ${left > 0 && html`<p class="hint">${count(left)} more ancestors are not drawn. ${!all && html`<${Button} class="small" onClick=${() => setAll(true)}>Draw more<//>`}</p>`}
          ${data.is_cut && html`<p class="hint">There are more ancestors than are drawn here.</p>`}`}
    <//>
    ${data && data.line.length > 1 && html`<${Line} data=${data} higher=${detail.higher_is_better !== false} />`}
  </div>`;
}

/** The candidate, its first parent, that one's first parent and so on. */
function Line({ data, higher }) {
  const known = new Map(data.nodes.map((node) => [node.id, node]));
  const steps = data.line.map((id) => known.get(id)).filter(Boolean);
  const rows = steps.map((node, index) => ({ ...node, gain: gain(node.value, steps[index + 1]?.value) }));
  const sign = higher ? 1 : -1;
  return html`<${Panel} title="The line of first parents" aside=${`${count(rows.length)} networks, the latest first`}>
    <${Table} caption="line of first parents" keyOf=${(row) => row.id} rows=${rows.slice(0, 100)} columns=${[
      { key: "id", title: "Candidate", value: (row) => html`<a href="?candidate=${row.id}" onClick=${opened(row.id)}>#${row.id}</a>` },
      { key: "operator", title: "Made by", value: (row) => row.operator },
      { key: "value", title: "Value", number: true, value: (row) => figure(row.value) },
      { key: "gain", title: "Change", number: true, value: (row) => (row.gain === null ? "-" : html`<span class=${sign * row.gain > 0 ? "gained" : "soft"}>${
        row.gain > 0 ? "+" : row.gain < 0 ? "−" : ""}${figure(Math.abs(row.gain))}</span>`) },
      { key: "parameters", title: "Parameters", number: true, value: (row) => count(row.parameters) },
    ]} /><//>`;
}

const gain = (value, before) => (typeof value === "number" && typeof before === "number" ? value - before : null);
