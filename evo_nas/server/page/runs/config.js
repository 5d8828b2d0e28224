/** The tab `config` of a run: its configuration, and what of it is not as it is by default. */
import { html, useMemo, useState } from "../html.js";
import { useApi } from "../api.js";
import { count, moment, setting } from "../format.js";
import { Copy, Panel, Segmented, Table } from "../ui.js";
import { settingsOf, valueAt } from "./changes.js";

export default function Config({ run, detail }) {
  const schema = useApi("/configs/schema");
  const settings = useMemo(() => settingsOf(detail.config), [detail.config]);
  const defaults = useMemo(() => schema.data && defaultsOf(schema.data, detail.config), [schema.data, detail.config]);
  const changed = defaults && settings.filter(([key, value]) => !OWN.includes(key) && differs(value, valueAt(defaults, key)));
  const [shown, setShown] = useState("yaml");
  const file = useMemo(() => `data:application/yaml;charset=utf-8,${encodeURIComponent(detail.yaml)}`, [detail.yaml]);
  return html`<div class="grid">
    <${Panel} title="Configuration" class="wide" aside=${html`<${Segmented} label="how it is shown" value=${shown} onChange=${setShown}
        options=${[["yaml", "YAML"], ["keys", "keys"]]} />
      <${Copy} text=${detail.yaml} /><a class="button small" href=${file} download="${run}.yaml">Download</a>
      <a class="button small" href="/new?run=${encodeURIComponent(run)}">New search from it</a>`}>
      ${shown === "yaml" ? html`<pre tabindex="0" class="config-yaml">${detail.yaml}</pre>`
        : html`<${Table} caption="settings" rows=${settings} keyOf=${([key]) => key} columns=${columnsFor(defaults, detail.changeable)} />`}
    <//>
    <div class="third stack">
      ${changed && html`<${Panel} title="Changed" aside=${`${count(changed.length)} of ${count(settings.length)} settings`}>
        ${changed.length ? html`<dl class="changed">${changed.map(([key, value]) => html`<div key=${key}><dt><code>${key}</code></dt>
          <dd>${setting(value)} <small>instead of ${setting(valueAt(defaults, key))}</small></dd></div>`)}</dl>`
          : html`<p class="soft">Everything is as it is by default.</p>`}<//>`}
      <${Panel} title="Can be changed when it goes on"><p class="soft">${detail.changeable.map((key, index) =>
        html`${index ? ", " : ""}<code key=${key}>${key}</code>`)}</p><p class="hint">Everything else needs a fork.</p><//>
      <${Panel} title="Begun"><dl class="facts">
        <div><dt>at</dt><dd>${moment(detail.created_at)}</dd></div><div><dt>seed</dt><dd>${detail.seed}</dd></div>
        ${Object.entries(detail.created_by).map(([name, version]) => html`<div key=${name}><dt>${name}</dt><dd>${version}</dd></div>`)}
        <div><dt>in</dt><dd><code>${detail.run}</code></dd></div></dl><//>
    </div>
  </div>`;
}

/** What every run has of its own. */
const OWN = ["name", "base_dir"];

const differs = (one, other) => other !== undefined && JSON.stringify(one) !== JSON.stringify(other);

const columnsFor = (defaults, changeable) => [
  { key: "key", title: "Key", value: ([key]) => html`<code>${key}</code>` },
  { key: "value", title: "Value", value: ([key, value]) => (defaults && !OWN.includes(key) && differs(value, valueAt(defaults, key))
    ? html`<b>${setting(value)}</b>` : setting(value)) },
  { key: "default", title: "Default", class: "soft", value: ([key]) => (defaults ? setting(valueAt(defaults, key)) : "") },
  { key: "free", title: "When it goes on", class: "soft", value: ([key]) => (changeable.some((free) => key === free || key.startsWith(`${free}.`)) ? "can be changed" : "") },
];

/** The defaults of `schema` for a configuration with the kinds of `config`, as far as they are known. */
function defaultsOf(schema, config) {
  const at = (node) => (node?.$ref ? at(schema.$defs[node.$ref.split("/").at(-1)]) : node);
  const of = (given, value) => {
    const node = at(given);
    if (!node) return undefined;
    if (node.anyOf || node.oneOf) {
      const choices = (node.anyOf ?? node.oneOf).map(at);
      const chosen = choices.find((choice) => value?.kind !== undefined && kindOf(choice) === value.kind)
        ?? choices.find((choice) => choice?.properties && value !== null && typeof value === "object");
      if (chosen?.properties && value !== null && typeof value === "object") return of(chosen, value);
    }
    if (node.properties) {
      return Object.fromEntries(Object.entries(node.properties).map(([key, property]) => [key, of(property, value?.[key])]));
    }
    return given.default !== undefined ? given.default : node.default;
  };
  return of(schema, config);
}

const kindOf = (choice) => choice?.properties?.kind?.const ?? choice?.properties?.kind?.default;
