/** A form for a configuration: a fold for each section, a control for each key, its problems beside it. */
import { html, useState } from "../html.js";
import { cls, withoutKey } from "../ui.js";
import { Prose } from "../prose.js";
import { at, plainKey, problemsAt, textOf, valueOf } from "./schema.js";

/** The id of the control of a key. */
export const controlId = (key) => `key-${key}`;

/** Shows the control of `key`, or of the nearest section around it, and puts the focus there. */
export function focusKey(key) {
  for (let near = plainKey(key); ; near = near.split(".").slice(0, -1).join(".")) {
    const control = document.getElementById(controlId(near));
    if (control || !near) {
      for (let fold = control?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
      control?.focus();
      control?.scrollIntoView({ block: "center" });
      return control !== null;
    }
  }
}

/**
 * The form.
 *
 * @param sections From `sectionsOf`.
 * @param config The values that are given.
 * @param filled The values with every default, which fields show where nothing is given.
 * @param problems What the service says of `config`: `[{key, message}]`.
 * @param disabled Whether the text cannot be read that the values come from.
 * @param onChange Called with a dotted key and its new value, undefined for none.
 */
export function Form({ sections, config, filled, problems, disabled, onChange }) {
  const shared = { config, filled, problems, onChange };
  // Which keys are unfolded is settled when the form is made: a field must not move while it is typed in.
  const [given] = useState(config);
  return html`<fieldset class="form" disabled=${disabled}>
    ${disabled && html`<p class="note">The text cannot be read; the form shows what it said before.</p>`}
    ${sections.map((section) => (section.key === ""
    ? html`<div class="form-top" key="top"><${Fields} fields=${section.fields} ...${shared} given=${given} /></div>`
    : html`<${Section} key=${section.key} section=${section} ...${shared} given=${given} />`))}</fieldset>`;
}

function Section({ section, given, ...shared }) {
  const { config, problems } = shared;
  const wrong = problemsAt(problems, section.key).length;
  const set = Object.keys(at(config, section.key) ?? {}).filter((name) => name !== "kind").length;
  const [opened, setOpened] = useState(null);
  const isOpen = opened ?? (section.open || at(given, section.key) !== undefined || wrong > 0);
  return html`<details class="fold" open=${isOpen} onToggle=${(event) => setOpened(event.currentTarget.open)}>
    <summary><b>${section.label}</b> <span class="soft"><${Prose} text=${section.help} /></span>
      <span class="fold-note">${wrong ? html`<span class="bad-text">${wrong} wrong</span>` : set ? `${set} set` : ""}</span></summary>
    ${section.type === "kinds" ? html`<${Kinds} section=${section} ...${shared} given=${given} />`
      : html`<${Fields} fields=${section.fields} ...${shared} given=${given} />`}
  </details>`;
}

function Kinds({ section, given, ...shared }) {
  const { config, filled, onChange } = shared;
  const key = `${section.key}.kind`;
  const chosen = at(config, key);
  const kind = section.kinds.find((each) => each.kind === (chosen ?? at(filled, key) ?? section.fallback?.kind));
  const choose = (name) => onChange(section.key, carried(at(config, section.key), kind,
    section.kinds.find((each) => each.kind === name)));
  return html`<${Row} field=${{ key, label: "kind", help: kind?.help ?? "" }} problems=${shared.problems}>
      ${(control) => html`<select ...${control} onChange=${(event) => choose(event.target.value)}>
        ${kind ? "" : html`<option value="" selected>${chosen ?? "choose one"}</option>`}
        ${section.kinds.map((each) => html`<option key=${each.kind} value=${each.kind}
          selected=${each === kind}>${each.kind.replaceAll("_", " ")}</option>`)}</select>`}
    <//>
    ${kind && html`<${Fields} key=${kind.kind} fields=${kind.fields} ...${shared} given=${given} />`}`;
}

/** A section of another kind, with the values whose keys mean the same in both. */
function carried(values, before, after) {
  const shape = (kind, name) => JSON.stringify(kind?.fields.find((field) => field.name === name)
    ?.options ?? kind?.fields.find((field) => field.name === name)?.type);
  const same = Object.entries(values ?? {}).filter(([name]) => name !== "kind"
    && shape(after, name) !== undefined && shape(before, name) === shape(after, name));
  return { kind: after.kind, ...Object.fromEntries(same) };
}

function Fields({ fields, given, ...shared }) {
  const isShown = (field) => field.common || at(given, field.key) !== undefined;
  const shown = fields.filter(isShown);
  const others = fields.filter((field) => !isShown(field));
  const wrong = others.some((field) => problemsAt(shared.problems, field.key).length);
  const [opened, setOpened] = useState(null);
  const grid = (some) => html`<div class="fields">${some.map((field) => html`<${Key} key=${field.key} field=${field}
    given=${given} ...${shared} />`)}</div>`;
  if (!shown.length && others.length < 8) return grid(others);
  const set = others.filter((field) => at(shared.config, field.key) !== undefined).length;
  return html`${shown.length > 0 && grid(shown)}
    ${others.length > 0 && html`<details class="more" open=${opened ?? wrong} onToggle=${(event) => setOpened(event.currentTarget.open)}>
      <summary>${others.length} more${set ? `, ${set} set` : ""}</summary>${grid(others)}</details>`}`;
}

/** One key: its control, or those of its own keys if it is a section. */
function Key({ field, ...shared }) {
  if (field.type !== "section") return html`<${One} field=${field} ...${shared} />`;
  const { problems } = shared;
  return html`<fieldset class="inner" id=${controlId(field.key)} tabindex="-1">
    <legend>${field.label}</legend>
    <p class="hint"><${Prose} text=${field.help} /></p>
    <${Messages} problems=${problems.filter((problem) => plainKey(problem.key) === field.key)} />
    <div class="fields">${field.fields.map((inner) => html`<${Key} key=${inner.key} field=${inner} ...${shared} />`)}</div>
  </fieldset>`;
}

function One({ field, config, filled, problems, onChange }) {
  const value = at(config, field.key);
  const change = (next) => onChange(field.key, next);
  const fallback = at(filled, field.key) ?? field.fallback;
  const reset = value === undefined || field.required ? null : () => change(undefined);
  const Control = CONTROLS[field.type] ?? TextControl;
  return html`<${Row} field=${field} problems=${problems} reset=${reset} group=${field.type === "choices"}>
    ${(control) => html`<${Control} control=${control} field=${field} value=${value} fallback=${fallback} onChange=${change} />`}<//>`;
}

/** A control with its label, its meaning and what is wrong with it; `group` is one of several controls. */
function Row({ field, problems, reset, group, children }) {
  const id = controlId(field.key);
  const wrong = problems.filter((problem) => plainKey(problem.key) === field.key || (!field.fields && plainKey(problem.key).startsWith(`${field.key}.`)));
  const described = [field.help && `${id}-hint`, wrong.length && `${id}-wrong`].filter(Boolean).join(" ") || null;
  const label = html`${field.label}${field.unit && html` <small>${field.unit}</small>`}${field.required && html` <small>required</small>`}`;
  return html`<div class=${cls("field", wrong.length && "wrong")}>
    <div class="field-head">
      ${group ? html`<span class="label" id="${id}-label">${label}</span>` : html`<label for=${id}>${label}</label>`}
      ${reset && html`<button type="button" class="link reset" aria-label="use default of ${field.label}" onClick=${reset}>use default</button>`}
    </div>
    ${children({ id, "aria-describedby": described, ...(wrong.length ? { "aria-invalid": "true" } : {}),
      ...(group ? { "aria-labelledby": `${id}-label` } : {}) })}
    ${field.help && html`<p class="hint" id="${id}-hint"><${Prose} text=${field.help} /></p>`}
    <${Messages} problems=${wrong} id="${id}-wrong" />
  </div>`;
}

const Messages = ({ problems, id }) => problems.length > 0 && html`<div id=${id}>${problems.map((problem, index) =>
  html`<p class="wrong-text" key=${index}><${Prose} text=${withoutKey(problem).message} /></p>`)}</div>`;

function TextControl({ control, field, value, fallback, onChange }) {
  // What is typed stays as it is until the field is left: `1.` must not become `1` under the fingers.
  const [typed, setTyped] = useState(null);
  const type = (event) => {
    setTyped(event.target.value);
    onChange(valueOf(field, event.target.value));
  };
  const mode = field.type === "number" ? (field.whole ? "numeric" : "decimal") : null;
  return html`<input type="text" ...${control} inputmode=${mode} value=${typed ?? textOf(value)} spellcheck=${false} autocomplete="off"
    placeholder=${placeholder(field, fallback)} onInput=${type} onBlur=${() => setTyped(null)} />`;
}

function placeholder(field, fallback) {
  if (fallback !== undefined && fallback !== null && !(Array.isArray(fallback) && !fallback.length)) return textOf(fallback);
  if (field.example !== undefined) return `such as ${textOf(field.example)}`;
  return field.required ? "" : "none";
}

function ChoiceControl({ control, field, value, fallback, onChange }) {
  const words = (option) => (typeof option === "string" ? option.replaceAll("_", " ") : textOf(option));
  const known = value === undefined || field.options.includes(value);
  return html`<select ...${control} onChange=${(event) => onChange(event.target.value === "" ? undefined : field.options.find((option) => String(option) === event.target.value))}>
    <option value="" selected=${value === undefined}>${fallback === undefined || fallback === null ? "none" : `${words(fallback)} (default)`}</option>
    ${!known && html`<option value=${textOf(value)} selected disabled>${textOf(value)}</option>`}
    ${field.options.map((option) => html`<option key=${option} value=${option} selected=${option === value}>${words(option)}</option>`)}
  </select>`;
}

function SwitchControl({ control, field, value, fallback, onChange }) {
  if (field.nullable || (value !== undefined && typeof value !== "boolean")) {
    return html`<${ChoiceControl} control=${control} field=${{ ...field, options: [true, false] }} value=${value}
      fallback=${fallback} onChange=${onChange} />`;
  }
  return html`<input type="checkbox" ...${control} checked=${value ?? fallback ?? false}
    onChange=${(event) => onChange(event.target.checked)} />`;
}

function ChoicesControl({ control, field, value, fallback, onChange }) {
  const chosen = Array.isArray(value ?? fallback) ? value ?? fallback : [];
  const toggle = (option) => onChange(field.options.filter((each) => chosen.includes(each) !== (each === option)));
  return html`<div class="chips" role="group" tabindex="-1" ...${control}>${field.options.map((option) => html`<label class="chip" key=${option}>
    <input type="checkbox" checked=${chosen.includes(option)} onChange=${() => toggle(option)} />${String(option).replaceAll("_", " ")}</label>`)}</div>`;
}

const CONTROLS = { choice: ChoiceControl, switch: SwitchControl, choices: ChoicesControl };
