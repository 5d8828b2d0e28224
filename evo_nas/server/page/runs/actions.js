/** What can be done with a run: stop it, go on with it, judge it, begin another one like it. */
import { html, useRef, useState } from "../html.js";
import { api, idempotencyKey, ofRun } from "../api.js";
import { count } from "../format.js";
import { navigate, runPath } from "../router.js";
import { Button, CheckField, Dialog, ErrorBox, NumberField, TextField, toast, useAction } from "../ui.js";
import { changedIn, settingsOf, valueAt } from "./changes.js";
import { goesOn } from "./states.js";

/** Gets the `detail` of the run and calls `onChange` once something was done. */
export function RunActions({ run, detail, onChange }) {
  const [open, setOpen] = useState(null);
  const close = () => setOpen(null);
  const done = () => {
    close();
    onChange();
  };
  const isLive = goesOn(detail.state);
  // Of one whose search has never come so far there is nothing but what was asked for.
  const wasBegun = Object.keys(detail.created_by).length > 0;
  const given = { run, detail, onClose: close, onDone: done };
  return html`<div class="actions">
    ${isLive && html`<${Button} kind="danger" onClick=${() => setOpen("stop")}>Stop<//>`}
    ${!isLive && detail.state !== "damaged" && html`<${Button} kind=${detail.state === "stopped" ? "primary" : ""}
      onClick=${() => setOpen("resume")}>${detail.complete ? "Raise the budget" : "Resume"}<//>`}
    ${!isLive && detail.best !== null && detail.verdict === null && html`<${Button}
      kind=${detail.state === "complete" ? "primary" : ""} onClick=${() => setOpen("judge")}>Judge<//>`}
    ${wasBegun && html`<${Button} onClick=${() => setOpen("fork")}>Fork<//>`}
    ${open === "stop" && html`<${Stop} ...${given} />`}
    ${open === "resume" && html`<${Resume} ...${given} />`}
    ${open === "judge" && html`<${Judge} ...${given} />`}
    ${open === "fork" && html`<${Fork} ...${given} />`}
  </div>`;
}

function Stop({ run, detail, onClose, onDone }) {
  const inCluster = detail.launches.at(-1)?.doing === "attach";
  const [drain, setDrain] = useState(inCluster ? 60 : 0);
  const [stop, busy, error] = useAction(async () => {
    await api.post(ofRun(run, "stop"), { drain_s: drain ?? 0 });
    toast(`${run} is stopping.`);
    onDone();
  });
  return html`<${Dialog} title="Stop ${run}" onClose=${onClose} onSubmit=${stop}
    actions=${html`<${Button} onClick=${onClose}>Leave it<//><${Button} type="submit" kind="danger" busy=${busy}>Stop<//>`}>
    <p>Every evaluation that has ended is kept, and the search can go on from there at any time.</p>
    ${inCluster && html`<${NumberField} label="Seconds to wait for what is being trained" value=${drain} min="0" onChange=${setDrain} />`}
    <${ErrorBox} error=${error} /><//>`;
}

/** Limits of a budget that can be raised, with their labels. */
const LIMITS = [
  ["evaluations", "Evaluations in all"], ["minutes", "Minutes in all, with the verdict"], ["train_minutes", "Minutes of training in all"],
];

function Resume({ run, detail, onClose, onDone }) {
  // Not that of the detail, which adds what is not counted.
  const budget = detail.config.budget ?? detail.budget;
  const isSpent = detail.complete;
  const [values, setValues] = useState(() => ({
    ...budget,
    // The next round number, so that there is something left to do.
    evaluations: isSpent && budget.evaluations !== null ? Math.max(budget.evaluations, detail.evaluated) * 2 : budget.evaluations,
  }));
  const [workers, setWorkers] = useState(null);
  const [resume, busy, error] = useAction(async () => {
    const changed = Object.fromEntries(LIMITS.map(([key]) => [key, values[key]]).filter(([key, value]) => value !== budget[key]));
    await api.post(ofRun(run, "resume"), { budget: changed, ...(workers ? { workers } : {}) });
    toast(`${run} goes on.`);
    onDone();
  });
  const limits = LIMITS.filter(([key]) => key === "evaluations" || budget[key] !== null);
  return html`<${Dialog} title=${isSpent ? `Raise the budget of ${run}` : `Resume ${run}`} onClose=${onClose} onSubmit=${resume}
    actions=${html`<${Button} onClick=${onClose}>Cancel<//><${Button} type="submit" kind="primary" busy=${busy}>${isSpent ? "Go on" : "Resume"}<//>`}>
    <p>${count(detail.evaluated)} evaluations are there${isSpent ? "; the budget is spent, so that a larger one is needed" : ""}.</p>
    ${limits.map(([key, label]) => html`<${NumberField} key=${key} label=${label} min="1" value=${values[key]}
      step=${key === "evaluations" ? 1 : "any"} onChange=${(value) => setValues({ ...values, [key]: value })} />`)}
    <${NumberField} label="Worker processes" hint="Empty leaves them as they were." min="1" step="1" value=${workers} onChange=${setWorkers} />
    <${ErrorBox} error=${error} /><//>`;
}

/** Offers to go on without the evaluations that are damaged or missing, where the `error` of a run says that they are. */
export function Salvage({ run, error, onDone }) {
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  const [resume, busy, failure] = useAction(async () => {
    await api.post(ofRun(run, "resume"), { accept_data_loss: true });
    toast(`${run} goes on.`);
    close();
    onDone();
  });
  if (!/--accept-data-loss/.test(error?.message ?? "")) return null;
  return html`<${Button} kind="danger" onClick=${() => setOpen(true)}>Go on without these evaluations<//>
    ${open && html`<${Dialog} title="Go on without them?" onClose=${close} onSubmit=${resume}
      actions=${html`<${Button} onClick=${close}>Leave it<//><${Button} type="submit" kind="danger" busy=${busy}>Go on<//>`}>
      <p>What is damaged or missing is given up for good, and the search goes on from the rest. If there is a copy of the run, restore that instead.</p>
      <${ErrorBox} error=${failure} /><//>`}`;
}

function Judge({ run, detail, onClose, onDone }) {
  const given = detail.config.verdict ?? {};
  const [finalists, setFinalists] = useState(given.finalists ?? null);
  const [seeds, setSeeds] = useState(given.seeds ?? null);
  const [judge, busy, error] = useAction(async () => {
    await api.post(ofRun(run, "champion"), { finalists, seeds });
    toast(`The champion of ${run} is being judged.`);
    onDone();
    navigate(runPath(run, "champion"));
  });
  return html`<${Dialog} title="Judge the champion of ${run}" onClose=${onClose} onSubmit=${judge}
    actions=${html`<${Button} onClick=${onClose}>Cancel<//><${Button} type="submit" kind="primary" busy=${busy}>Judge<//>`}>
    <p>The best networks are trained anew, and the champion beside an LSTM and a GRU of its size; all are compared on the test part.
      ${!detail.complete && " The search can still go on afterwards."}</p>
    <${NumberField} label="Finalists" hint="How many of the best are judged again." min="1" step="1" value=${finalists} onChange=${setFinalists} />
    <${NumberField} label="Seeds" hint="How many networks are kept of each." min="1" step="1" value=${seeds} onChange=${setSeeds} />
    <${ErrorBox} error=${error} /><//>`;
}

function Fork({ run, detail, onClose }) {
  const [name, setName] = useState(`${run}-fork`);
  const [changes, setChanges] = useState([{ key: "budget.evaluations", value: String(detail.config.budget?.evaluations ?? "") }]);
  const [warm, setWarm] = useState(false);
  const sent = useRef({});
  const [fork, busy, error] = useAction(async () => {
    const body = { name: name.trim(), changes: changedIn(changes, detail.config), warm_start: warm };
    const text = JSON.stringify(body);
    // What is sent again begins nothing anew, and what was corrected is another request.
    if (sent.current.text !== text) sent.current = { text, key: idempotencyKey() };
    const launched = await api.post(ofRun(run, "fork"), body, { headers: { "Idempotency-Key": sent.current.key } });
    toast(`${launched.name} begins.`);
    navigate(runPath(launched.name));
  });
  const change = (index, values) => setChanges(changes.map((each, at) => (at === index ? { ...each, ...values } : each)));
  return html`<${Dialog} title="Fork ${run}" class="broad" onClose=${onClose} onSubmit=${fork}
    actions=${html`<a class="button" href="/new?run=${encodeURIComponent(run)}">As a form</a><${Button} onClick=${onClose}>Cancel<//>
      <${Button} type="submit" kind="primary" busy=${busy} disabled=${!name.trim()}>Begin<//>`}>
    <p>A new run with the same configuration and what is changed here.</p>
    <${TextField} label="Name of the new run" value=${name} onChange=${setName} />
    <fieldset class="changes"><legend>Changes</legend>
      ${changes.map((each, index) => html`<div key=${index} class="change">
        <input aria-label="key" list="fork-keys" placeholder="training.epochs" value=${each.key} spellcheck=${false} autocomplete="off"
          onInput=${(event) => change(index, { key: event.target.value })} />
        <input aria-label="new value" placeholder=${placeholder(detail.config, each.key)} value=${each.value} spellcheck=${false}
          autocomplete="off" onInput=${(event) => change(index, { value: event.target.value })} />
        <button type="button" class="cross" aria-label="leave out this change" onClick=${() => setChanges(changes.filter((_, at) => at !== index))}>×</button>
      </div>`)}
      <datalist id="fork-keys">${settingsOf(detail.config).map(([path]) => html`<option key=${path} value=${path} />`)}</datalist>
      <${Button} class="small" onClick=${() => setChanges([...changes, { key: "", value: "" }])}>Another change<//>
    </fieldset>
    <${CheckField} label="Begin with the best networks of this run" value=${warm} onChange=${setWarm}
      hint="They are trained anew, as the first candidates." />
    <${ErrorBox} error=${error} /><//>`;
}

/** The value that a key has now, in the place of the new one. */
function placeholder(config, key) {
  const value = valueAt(config, key);
  return value === undefined ? "value" : JSON.stringify(value).slice(0, 80);
}
