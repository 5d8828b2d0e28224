/** What `evo-nas data` says of the data of a configuration, with its picture. */
import { html, useEffect, useState } from "../html.js";
import { api } from "../api.js";
import { count, counted, figure } from "../format.js";
import { Drawing } from "../markup.js";
import { ErrorBox, Loading, Table, useSettled } from "../ui.js";

/** Looks at the data of the configuration `yaml`, again whenever it has changed and rested. */
export function DataLook({ yaml }) {
  const settled = useSettled(yaml, 600);
  const [state, setState] = useState({ data: null, error: null, loading: true });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    if (!settled) return undefined;
    const controller = new AbortController();
    setState((before) => ({ ...before, error: null, loading: true }));
    api.post("/data/look", { yaml: settled }, { signal: controller.signal })
      .then((data) => setState({ data, error: null, loading: false }))
      .catch((error) => controller.signal.aborted || setState({ data: null, error, loading: false }));
    return () => controller.abort();
  }, [settled, tries]);
  const { data, error, loading } = state;
  return html`<div class="data-look" aria-busy=${loading}>
    <${ErrorBox} error=${error} retry=${() => setTries((number) => number + 1)} />
    ${data ? html`<${Facts} data=${data} />` : loading && html`<p class="soft">Reading the data and fitting the baselines …</p><${Loading} />`}
  </div>`;
}

function Facts({ data }) {
  return html`
    <ul class="said">${[...data.facts, ...data.remarks].map((fact) => html`<li key=${fact}>${fact}</li>`)}</ul>
    ${data.picture && html`<${Drawing} svg=${data.picture} label="the data of ${data.name}" class="data-picture" />`}
    <div class="data-tables">
      <${Parts} data=${data} />
      <${Baselines} data=${data} />
      <${Classes} data=${data} />
    </div>
    ${data.samples.length > 0 && html`<h3>Samples</h3><pre class="samples" tabindex="0">${data.samples.join("\n")}</pre>`}
    ${data.cuts.length > 0 && html`<h3>Further cuts</h3><ul class="said">${data.cuts.map((cut) => html`<li key=${cut}>${cut}</li>`)}</ul>`}`;
}

function Parts({ data }) {
  const rows = Object.entries(data.parts).map(([name, part]) => ({ name, ...part }));
  const lengths = ({ shortest, longest }) => (shortest === longest ? count(longest) : `${count(shortest)} to ${count(longest)}`);
  return html`<div><h3>Parts</h3><${Table} caption="parts of the data" rows=${rows} keyOf=${(part) => part.name} columns=${[
    { key: "name", title: "part", value: (part) => part.name },
    { key: "examples", title: "examples", number: true, value: (part) => count(part.examples) },
    { key: "steps", title: "steps", number: true, value: lengths },
  ]} /></div>`;
}

function Baselines({ data }) {
  const rows = Object.entries(data.baselines).map(([name, result]) => ({ name, ...result }));
  if (!rows.length) return null;
  return html`<div><h3>To beat</h3><${Table} caption="baselines" rows=${rows} keyOf=${(row) => row.name} columns=${[
    { key: "name", title: "baseline", value: (row) => row.name },
    { key: "score", title: `test ${data.metric}`, number: true, value: (row) => figure(row.score) },
    { key: "cpu_s", title: "CPU s", number: true, class: "soft", value: (row) => row.cpu_s.toFixed(1) },
    ...(rows.some((row) => row.note) ? [{ key: "note", title: "", class: "soft", value: (row) => row.note }] : []),
  ]} /></div>`;
}

function Classes({ data }) {
  const classes = Object.entries(data.classes);
  if (!classes.length) return null;
  const parts = Object.keys(data.parts);
  return html`<details class="more" open=${classes.length <= 12}><summary>${counted(classes.length, "class", "classes")}</summary>
    <${Table} caption="classes" rows=${classes} keyOf=${([name]) => name} columns=${[
      { key: "class", title: "class", value: ([name]) => name },
      ...parts.map((part, index) => ({ key: part, title: part, number: true, value: ([, counts]) => count(counts[index]) })),
    ]} /></details>`;
}
