/** What a search can begin with: the examples that are shipped, or a data file. */
import { html, useEffect, useState } from "../html.js";
import { useApi } from "../api.js";
import { count } from "../format.js";
import { Dialog, Empty, ErrorBox, Loading, Segmented } from "../ui.js";

const KINDS = [["examples", "Examples"], ["files", "Data files"]];

/** A dialog that calls `onExample(name)` or `onFile(path)`. */
export function Sources({ first = "examples", onExample, onFile, onClose }) {
  const [kind, setKind] = useState(first);
  return html`<${Dialog} title="Begin with" class="broad" onClose=${onClose}>
    <${Segmented} label="what to begin with" value=${kind} options=${KINDS} onChange=${setKind} />
    ${kind === "examples" ? html`<${Examples} onChoose=${onExample} />` : html`<${Files} onChoose=${onFile} />`}
  <//>`;
}

function Examples({ onChoose }) {
  const { data, error, reload } = useApi("/configs/examples");
  if (error) return html`<${ErrorBox} error=${error} retry=${reload} />`;
  if (!data) return html`<${Loading} />`;
  return html`<ul class="cards">${data.map((example) => html`<li key=${example.name}><button type="button" class="card"
    onClick=${() => onChoose(example.name)}><b>${example.name}</b><span>${example.title}</span></button></li>`)}</ul>`;
}

/** Files under the directories that the service may read, one folder at a time. */
function Files({ onChoose }) {
  const [trail, setTrail] = useState([""]);
  const path = trail.at(-1);
  const { data, error, loading, reload } = useApi("/data/files", { path });
  const [typed, setTyped] = useState("");
  useEffect(() => setTyped(path), [path]);
  const open = (entry) => (entry.kind === "folder" ? setTrail([...trail, entry.path]) : onChoose(entry.path));
  const submit = (event) => {
    event.preventDefault();
    if (typed.trim()) onChoose(typed.trim());
  };
  return html`<div class="files">
    <form class="row" onSubmit=${submit}>
      <input type="text" aria-label="path of a file" placeholder="path of a file, or choose one below" value=${typed}
        spellcheck=${false} autocomplete="off" onInput=${(event) => setTyped(event.target.value)} />
      <button class="button" disabled=${!typed.trim()}>Take it</button>
    </form>
    <${ErrorBox} error=${error} retry=${reload} />
    ${!data && loading && html`<${Loading} />`}
    ${data && html`<ul class=${loading ? "entries stale" : "entries"}>
      ${path && html`<li key=".."><button type="button" class="entry" onClick=${() => setTrail(trail.slice(0, -1))}><span>↑ back</span></button></li>`}
      ${data.entries.map((entry) => html`<li key=${entry.path}><button type="button" class="entry" onClick=${() => open(entry)}>
        <span>${nameOf(entry, data.entries)}${entry.kind === "folder" ? "/" : ""}</span>
        ${entry.bytes != null && html`<small>${size(entry.bytes)}</small>`}</button></li>`)}
    </ul>
    ${data.left_out > 0 && html`<p class="hint">and ${count(data.left_out)} more; give the path of one above</p>`}
    ${!data.entries.length && html`<${Empty} title="Nothing here that can be read."><p>Name directories with <code>evo-nas serve --data DIR</code>.</p><//>`}`}
  </div>`;
}

/** The name of an entry, or its whole path where another one has the same name, as two roots may. */
const nameOf = (entry, entries) => (entries.some((other) => other !== entry && other.name === entry.name) ? entry.path : entry.name);

function size(bytes) {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${units[power]}`;
}
