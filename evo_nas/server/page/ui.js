/** What every part of the page is made of: tables, tabs, badges, dialogs, notes, fields. */
import { html, useEffect, useId, useLayoutEffect, useRef, useState } from "./html.js";
import { Problem } from "./api.js";
import { Prose } from "./prose.js";

/** Names of classes, without the empty ones. */
export const cls = (...names) => names.filter(Boolean).join(" ");

export function Button({ kind = "", busy = false, children, class: name, ...rest }) {
  return html`<button type="button" class=${cls("button", kind, name)} aria-busy=${busy} ...${rest}
    disabled=${rest.disabled || busy}>${children}</button>`;
}

/** A small word with the colour of its `tone`: good, busy, warn, bad or none. */
export const Badge = ({ tone = "", title, children }) =>
  html`<span class=${cls("badge", tone)} title=${title}>${children}</span>`;

const STATES = {
  starting: ["busy", "starting"],
  running: ["busy", "running"],
  stopped: ["warn", "stopped"],
  complete: ["good", "complete"],
  judged: ["good", "judged"],
  failed: ["bad", "failed"],
  damaged: ["bad", "damaged"],
};
export const RUN_STATES = Object.keys(STATES);

/** The state of a run; one that goes on has a dot that breathes. */
export function StateBadge({ state, title }) {
  const [tone, text] = STATES[state] ?? ["", state ?? "unknown"];
  return html`<span class=${cls("badge", "state", tone)} title=${title}><i aria-hidden="true"></i>${text}</span>`;
}

/** Tabs that are addresses: `items` are `[{key, text, href, note}]`. */
export function Tabs({ items, current, label }) {
  const bar = useRef(null);
  useEffect(() => {
    // On a narrow screen the tab that is open may lie beyond the edge.
    const { offsetLeft: left, offsetWidth: width } = bar.current.querySelector("[aria-current]") ?? bar.current;
    bar.current.scrollLeft = left - bar.current.offsetLeft - (bar.current.clientWidth - width) / 2;
  }, [current]);
  return html`<nav class="tabs" aria-label=${label} ref=${bar}>
    ${items.map(({ key, text, href, note }) => html`<a key=${key} href=${href}
      aria-current=${key === current ? "page" : null}>${text}${note ? html` <small>${note}</small>` : ""}</a>`)}
  </nav>`;
}

/** A choice of few that are all seen; `options` are `[[value, text]]`. */
export function Segmented({ label, value, options, onChange }) {
  return html`<div class="segmented" role="group" aria-label=${label}>
    ${options.map(([key, text]) => html`<button type="button" key=${key} aria-pressed=${key === value}
      onClick=${() => onChange(key)}>${text}</button>`)}
  </div>`;
}

/** A figure with its name, and perhaps a `note` below. */
export const Stat = ({ label, note, children, title }) => html`<div class="stat" title=${title}>
  <dt>${label}</dt><dd>${children}</dd>${note ? html`<dd class="beneath">${note}</dd>` : ""}</div>`;

/** A part of the page with a heading. */
export function Panel({ title, aside, children, class: name, ...rest }) {
  const id = useId();
  return html`<section class=${cls("panel", name)} aria-labelledby=${title ? id : null} ...${rest}>
    ${title ? html`<header><h2 id=${id}>${title}</h2>${aside ? html`<div class="aside">${aside}</div>` : ""}</header>` : ""}
    ${children}
  </section>`;
}

/** How much of something is done: `done` of `total`, with words beside it. */
export function Meter({ done, total, label, children }) {
  const share = total ? Math.min(done / total, 1) : 0;
  return html`<div class="meter">
    <progress max="1" value=${share} aria-label=${label}></progress>
    ${children ? html`<div class="meter-text">${children}</div>` : ""}
  </div>`;
}

/** Names with bars of their shares: `[[name, share, text]]`; the largest has the full length. */
export function Bars({ shares }) {
  const most = Math.max(...shares.map(([, share]) => share), 1e-9);
  return html`<dl class="bars">${shares.map(([name, share, text]) => html`<div key=${name}><dt>${name}</dt>
    <dd><meter min="0" max=${most} value=${share} aria-label=${name}></meter><span>${text}</span></dd></div>`)}</dl>`;
}

/** What is said where there is nothing yet. */
export const Empty = ({ title, children }) =>
  html`<div class="empty"><p class="empty-title">${title}</p>${children}</div>`;

export const Loading = ({ lines = 3 }) => html`<div class="loading" role="status" aria-label="loading">
  ${Array.from({ length: lines }, (_, index) => html`<div key=${index} class="skeleton"></div>`)}</div>`;

/** A problem whose message does not name its key again. */
export const withoutKey = ({ key, message }) =>
  ({ key, message: key && message.startsWith(`${key} `) ? message.slice(key.length + 1) : message });

/** Why something failed: each sentence on its own line, with the key that it is about. */
export function ErrorBox({ error, retry }) {
  if (!error) return null;
  const parts = error instanceof Problem && error.problems.length > 0 ? error.problems.map(withoutKey) : null;
  const lines = error instanceof Problem ? error.lines : [String(error.message ?? error)];
  return html`<div class=${cls("error-box", error.type === "unreachable" && "unreachable")} role="alert">
    ${parts
      ? html`<ul>${parts.map((part, index) => html`<li key=${index}>${part.key ? html`<code>${part.key}</code> ` : ""}<${Prose} text=${part.message} /></li>`)}</ul>`
      : lines.map((line, index) => html`<p key=${index}><${Prose} text=${line} /></p>`)}
    ${retry ? html`<${Button} class="small" onClick=${retry}>Try again<//>` : ""}
  </div>`;
}

/**
 * A table. `columns` are `[{key, title, number, sort, value(row), class}]`.
 *
 * @param sort `{key, order}` of the rows as they are; `onSort(key)` is called by headings of columns with `sort`.
 * @param onOpen Called with the row that was clicked.
 * @param chosen The key of the row that is marked.
 */
export function Table({ columns, rows, keyOf, sort, onSort, onOpen, chosen, caption, busy, class: name }) {
  const heading = ({ key, title, number, sort: sortable, hint, class: column }) => {
    const target = sortable === true ? key : sortable;
    const sorted = Boolean(sortable) && sort?.key === target;
    const order = sorted ? (sort.order === "asc" ? "ascending" : "descending") : null;
    return html`<th key=${key} scope="col" class=${cls(number && "number", column)} aria-sort=${order} title=${hint}>
      ${sortable ? html`<button type="button" onClick=${() => onSort(target)}>${title}<span aria-hidden="true">${
        sorted ? (sort.order === "asc" ? " ↑" : " ↓") : ""}</span></button>` : title}</th>`;
  };
  const open = (row) => (event) => {
    // A press on a link or button within the row is for that one.
    if (!event.target.closest("a, button, input, label")) onOpen(row);
  };
  return html`<div class="scroll" tabindex="0" role="region" aria-label="table of ${caption}">
    <table class=${cls("table", onOpen && "opens", busy && "stale", name)}>
      <caption class="hidden">${caption}</caption>
      <thead><tr>${columns.map(heading)}</tr></thead>
      <tbody>
        ${rows.map((row) => html`<tr key=${keyOf(row)} class=${keyOf(row) === chosen ? "chosen" : ""}
          onClick=${onOpen ? open(row) : null}>
          ${columns.map(({ key, number, value, class: column }) => html`<td key=${key}
            class=${cls(number && "number", column)}>${value(row)}</td>`)}
        </tr>`)}
      </tbody>
    </table>
  </div>`;
}

/** Pages of a list, from 1. */
export function Pager({ page, pages, onPage, label = "pages of the list" }) {
  if (pages <= 1) return null;
  return html`<nav class="pager" aria-label=${label}>
    <${Button} class="small" disabled=${page <= 1} onClick=${() => onPage(page - 1)}>Previous<//>
    <span>page ${page} of ${pages}</span>
    <${Button} class="small" disabled=${page >= pages} onClick=${() => onPage(page + 1)}>Next<//>
  </nav>`;
}

/** A dialog above the page; Escape and the cross call `onClose`. Its children stand in a form if there is `onSubmit`. */
export function Dialog({ title, onClose, onSubmit, actions, children, class: name }) {
  const box = useRef(null);
  const id = useId();
  useLayoutEffect(() => {
    const dialog = box.current;
    if (!dialog.open) dialog.showModal();
    // Not the cross, which comes first: Enter does what the dialog is for.
    dialog.querySelector(".dialog-body :is(input, select, textarea), footer [type=submit]")?.focus();
    return () => dialog.close();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose?.();
  };
  // A second Escape closes it whatever is said to the first.
  const closed = () => {
    if (!box.current) return;
    if (onClose) onClose();
    else box.current.showModal();
  };
  const submit = (event) => {
    event.preventDefault();
    onSubmit?.(event);
  };
  return html`<dialog ref=${box} class=${cls("dialog", name)} aria-labelledby=${id} onCancel=${cancel} onClose=${closed}>
    <form onSubmit=${submit}>
      <header><h2 id=${id}>${title}</h2>
        ${onClose ? html`<button type="button" class="cross" aria-label="close" onClick=${onClose}>×</button>` : ""}</header>
      <div class="dialog-body">${children}</div>
      ${actions ? html`<footer>${actions}</footer>` : ""}
    </form>
  </dialog>`;
}

let notes = [];
const noteListeners = new Set();
const showNotes = (next) => {
  notes = next;
  noteListeners.forEach((listener) => listener(notes));
};

/** Says something for some seconds; errors (`tone` bad) stay until they are put away. */
export function toast(text, tone = "good") {
  const note = { id: Symbol("note"), text: String(text), tone };
  showNotes([...notes.slice(-4), note]);
  if (tone !== "bad") setTimeout(() => showNotes(notes.filter((other) => other !== note)), 6000);
}

export function Toasts() {
  const [shown, setShown] = useState(notes);
  useEffect(() => {
    noteListeners.add(setShown);
    return () => noteListeners.delete(setShown);
  }, []);
  return html`<div class="toasts" role="status" aria-live="polite">
    ${shown.map((note) => html`<div key=${note.id} class=${cls("toast", note.tone)}>
      <span>${note.text}</span>
      <button type="button" class="cross" aria-label="put away"
        onClick=${() => showNotes(notes.filter((other) => other !== note))}>×</button></div>`)}
  </div>`;
}

/** A label with its control, a hint and what is wrong with it. `children` gets the attributes of the control. */
export function Field({ label, hint, error, children, class: name }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || null;
  return html`<div class=${cls("field", error && "wrong", name)}>
    <label for=${id}>${label}</label>
    ${children({ id, "aria-describedby": described, "aria-invalid": error ? "true" : null })}
    ${hint ? html`<p class="hint" id="${id}-hint">${hint}</p>` : ""}
    ${error ? html`<p class="wrong-text" id="${id}-error">${error}</p>` : ""}
  </div>`;
}

export function TextField({ label, hint, error, value, onChange, class: name, ...rest }) {
  return html`<${Field} label=${label} hint=${hint} error=${error} class=${name}>${(control) => html`<input type="text"
    ...${control} value=${value ?? ""} spellcheck=${false} autocomplete="off"
    onInput=${(event) => onChange(event.target.value)} ...${rest} />`}<//>`;
}

/** A number; `onChange` gets null where the field is empty. */
export function NumberField({ label, hint, error, value, onChange, class: name, ...rest }) {
  const read = (event) => onChange(event.target.value === "" ? null : event.target.valueAsNumber);
  return html`<${Field} label=${label} hint=${hint} error=${error} class=${name}>${(control) => html`<input type="number"
    ...${control} value=${value ?? ""} step="any" onInput=${read} ...${rest} />`}<//>`;
}

/** A choice; `options` are `[[value, text]]` or values. */
export function SelectField({ label, hint, error, value, options, onChange, class: name, ...rest }) {
  return html`<${Field} label=${label} hint=${hint} error=${error} class=${name}>${(control) => html`<select
    ...${control} value=${value ?? ""} onChange=${(event) => onChange(event.target.value)} ...${rest}>
    ${options.map((option) => (Array.isArray(option) ? option : [option, option])).map(([key, text]) => html`<option
      key=${key} value=${key} selected=${key === value}>${text}</option>`)}</select>`}<//>`;
}

export function CheckField({ label, hint, value, onChange }) {
  const id = useId();
  return html`<div class="field check">
    <input type="checkbox" id=${id} checked=${value} aria-describedby=${hint ? `${id}-hint` : null}
      onChange=${(event) => onChange(event.target.checked)} />
    <div><label for=${id}>${label}</label>${hint ? html`<p class="hint" id="${id}-hint">${hint}</p>` : ""}</div>
  </div>`;
}

/** A button that copies `text`. */
export function Copy({ text, label = "Copy" }) {
  const [said, setSaid] = useState(null);
  const copy = async () => {
    const isDone = await copied(text);
    setSaid(isDone ? "Copied" : "Not copied");
    setTimeout(() => setSaid(null), 1500);
  };
  return html`<${Button} class="small" onClick=${copy}><span role="status">${said ?? label}</span><//>`;
}

/** Puts `text` into the clipboard; by a selection where a browser has no clipboard, as over HTTP from elsewhere. */
async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "hidden";
  document.body.append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  return isDone;
}

/** `values` as a small line; the last one is marked. */
export function Sparkline({ values, label, width = 120, height = 28 }) {
  const shown = (values ?? []).filter((value) => value !== null);
  if (shown.length < 2) return html`<span class="soft">-</span>`;
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  const x = (index) => 2 + ((width - 6) * index) / (shown.length - 1);
  const y = (value) => height - 4 - ((height - 8) * (value - low)) / (high - low || 1);
  // A best-so-far holds its value until there is a better one, hence steps.
  const steps = shown.map((value, index) => (index ? `H${x(index).toFixed(1)}V${y(value).toFixed(1)}`
    : `M${x(0)} ${y(value).toFixed(1)}`)).join("");
  return html`<svg class="sparkline" width=${width} height=${height} viewBox="0 0 ${width} ${height}" role="img"
    aria-label=${label}><path d=${steps} /><circle cx=${x(shown.length - 1)} cy=${y(shown.at(-1))} r="2.2" /></svg>`;
}

/** Calls `onKey(event)` for keys that are not meant for a field or a dialog. */
export function useKeys(onKey) {
  const latest = useRef(onKey);
  latest.current = onKey;
  useEffect(() => {
    const listener = (event) => {
      const typing = event.target.closest?.("input, textarea, select, [contenteditable], dialog");
      if (typing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      latest.current(event);
    };
    document.addEventListener("keydown", listener);
    return () => document.removeEventListener("keydown", listener);
  }, []);
}

/** `value` once it has stayed the same for `ms`. */
export function useSettled(value, ms = 250) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/** Runs `action`, says what went wrong, and tells whether it is under way: `[run, busy, error]`. */
export function useAction(action) {
  const [state, setState] = useState({ busy: false, error: null });
  const run = async (...given) => {
    setState({ busy: true, error: null });
    try {
      const result = await action(...given);
      setState({ busy: false, error: null });
      return result;
    } catch (error) {
      setState({ busy: false, error });
      return undefined;
    }
  };
  return [run, state.busy, state.error];
}

/** The title of the window. */
export function useTitle(title) {
  useEffect(() => {
    document.title = title ? `${title} · evo-nas` : "evo-nas";
  }, [title]);
}
