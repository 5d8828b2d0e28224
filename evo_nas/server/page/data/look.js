/** What `evo-nas data` says of the data of a configuration, with its picture. */
import { html, useEffect, useState } from "../html.js";
import { api } from "../api.js";
import { count, counted, figure, spent } from "../format.js";
import { Drawing } from "../markup.js";
import { ErrorBox, Loading, Table, useSettled } from "../ui.js";

/** Looks at the data of the configuration `yaml`, again whenever it has changed and rested. */
export function DataLook({ yaml }) {
  const settled = useSettled(yaml, 600);
  const [state, setState] = useState({ look: null, error: null, loading: true });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    if (!settled) return undefined;
    const controller = new AbortController();
    const ask = async (baselines) => {
      const look = await api.post("/data/look", { yaml: settled, baselines }, { signal: controller.signal });
      setState({ look, error: null, loading: !baselines });
    };
    setState((before) => ({ ...before, error: null, loading: true }));
    // What is quickly known is shown first: baselines may take a minute.
    ask(false).then(() => ask(true)).catch((error) => controller.signal.aborted || setState((before) => ({ ...before, error, loading: false })));
    return () => controller.abort();
  }, [settled, tries]);
  const { look, error, loading } = state;
  return html`<div class="data-look" aria-busy=${loading}>
    <${ErrorBox} error=${error} retry=${() => setTries((number) => number + 1)} />
    ${look ? html`<${Facts} data=${look.fields} picture=${look.picture} fitting=${loading} />`
      : loading && html`<p class="soft">Reading the data …</p><${Loading} />`}
  </div>`;
}

function Facts({ data, picture, fitting }) {
  return html`
    <ul class="said">${[...data.facts, ...data.remarks].map((fact) => html`<li key=${fact}>${fact}</li>`)}</ul>
    ${picture && html`<${Drawing} svg=${picture} label="the data of ${data.name}" class="data-picture" />`}
    <div class="data-tables">
      <${Parts} data=${data} />
      <${Baselines} data=${data} fitting=${fitting} />
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

function Baselines({ data, fitting }) {
  const rows = Object.entries(data.baselines).map(([name, result]) => ({ name, ...result }));
  if (!rows.length) return fitting && html`<div><h3>To beat</h3><p class="soft" role="status">Fitting the baselines …</p></div>`;
  return html`<div><h3>To beat</h3><${Table} caption="baselines" rows=${rows} keyOf=${(row) => row.name} columns=${[
    { key: "name", title: "baseline", value: (row) => row.name },
    { key: "score", title: `test ${data.metric}`, number: true, value: (row) => figure(row.score) },
    { key: "cpu_s", title: "computing", number: true, class: "soft", value: (row) => spent(row.cpu_s) },
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
