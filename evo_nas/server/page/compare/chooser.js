/** Which runs are compared: chips to take away, and a field to add one by its name. */
import { html, useId, useState } from "../html.js";
import { useApi } from "../api.js";
import { navigate, runPath, withQuery } from "../router.js";
import { Button, useSettled } from "../ui.js";
import { colourOf } from "./colours.js";

const MOST_SUGGESTED = 12;

export function Chooser({ names }) {
  const id = useId();
  const [typed, setTyped] = useState("");
  const settled = useSettled(typed);
  const found = useApi("/runs", { q: settled, per_page: MOST_SUGGESTED });
  const others = (found.data?.runs ?? []).map((run) => run.name).filter((name) => !names.includes(name));
  const choose = (runs) => navigate(withQuery("/compare", { run: runs }), { replace: true });
  const add = (event) => {
    event.preventDefault();
    const wanted = typed.trim();
    const name = others.includes(wanted) ? wanted : others[0];
    if (!name) return;
    setTyped("");
    choose([...names, name]);
  };
  return html`<div class="chooser">
    <ul class="chosen-runs" aria-label="runs that are compared">${names.map((name, index) => html`<li key=${name} class="chip-run">
      <i class="swatch ${colourOf(index)}" aria-hidden="true"></i><a href=${runPath(name)}>${name}</a>
      <button type="button" class="cross" aria-label="take ${name} away" onClick=${() => choose(names.filter((other) => other !== name))}>×</button>
    </li>`)}</ul>
    <form class="row" onSubmit=${add}>
      <input type="text" list=${id} aria-label="name of a run to add" placeholder="add a run" value=${typed} autocomplete="off" spellcheck=${false}
        onInput=${(event) => setTyped(event.target.value)} />
      <datalist id=${id}>${others.map((name) => html`<option key=${name} value=${name}></option>`)}</datalist>
      <${Button} type="submit" disabled=${!others.length}>Add<//>
    </form>
  </div>`;
}
