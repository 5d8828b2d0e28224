/** The page `/new`: a configuration as a form and as YAML, and the button that starts its search. */
import { html, useEffect, useMemo, useRef, useState } from "./html.js";
import { api, idempotencyKey, useApi } from "./api.js";
import { DataLook } from "./data/look.js";
import { navigate, runPath, withQuery } from "./router.js";
import { Prose } from "./prose.js";
import { Badge, Button, ErrorBox, Loading, Panel, Segmented, TextField, cls, useTitle, withoutKey } from "./ui.js";
import { useSource } from "./new/begin.js";
import { useDraft } from "./new/draft.js";
import { Editor } from "./new/editor.js";
import { Form, focusKey } from "./new/form.js";
import { sectionsOf } from "./new/schema.js";
import { Sources } from "./new/sources.js";

export default function New({ route }) {
  useTitle("New search");
  const schema = useApi("/configs/schema");
  const sections = useMemo(() => schema.data && sectionsOf(schema.data), [schema.data]);
  const [draft, edit, failure] = useDraft();
  const [turn, setTurn] = useState(0);
  const begun = useSource(route.query, edit.load, { turn });
  const [choosing, setChoosing] = useState(null);
  const [beside, setBeside] = useState("yaml");
  const begin = (values) => {
    setChoosing(null);
    setTurn(turn + 1);
    navigate(withQuery("/new", values));
  };
  return html`<div class="page new">
    <div class="page-head">
      <h1>New search</h1>
      <p class="soft begun">${begun.title}</p>
      <div class="actions">
        <${Button} onClick=${() => setChoosing("examples")}>Examples …<//>
        <${Button} onClick=${() => setChoosing("files")}>Your data …<//>
      </div>
    </div>
    <${ErrorBox} error=${schema.error ?? begun.error} />
    <${ErrorBox} error=${failure} retry=${edit.again} />
    <${Reasons} reasons=${begun.reasons} />
    <div class="new-parts">
      <div class="new-form">${sections && draft.answered
        ? html`<${Form} key=${draft.stamp} sections=${sections} config=${draft.config} filled=${draft.filled}
            problems=${draft.problems} disabled=${draft.unread} onChange=${edit.change} />`
        : schema.error || begun.error ? "" : html`<${Loading} lines=${6} />`}</div>
      <div class="new-beside">
        <${Problems} problems=${draft.problems} />
        <${Panel} title="Configuration" aside=${html`<${Segmented} label="what is shown" value=${beside}
          options=${[["yaml", "YAML"], ["data", "Data"]]} onChange=${setBeside} />`}>
          ${beside === "yaml"
            ? html`<${Editor} label="configuration as YAML" value=${draft.yaml} onInput=${edit.write} wrong=${draft.problems.length > 0}
                waits=${draft.written === "form" && !draft.settled} />`
            : html`<${DataLook} yaml=${draft.yaml} />`}
        <//>
      </div>
    </div>
    <${Start} key=${draft.stamp} draft=${draft} />
    ${choosing && html`<${Sources} first=${choosing} onClose=${() => setChoosing(null)}
      onExample=${(name) => begin({ example: name })} onFile=${(file) => begin({ file })} />`}
  </div>`;
}

const Reasons = ({ reasons }) => reasons.length > 0 && html`<details class="reasons" open>
  <summary>Why it was drafted this way</summary>
  <ul>${reasons.map((reason) => html`<li key=${reason.key}><button type="button" class="link"
    onClick=${() => focusKey(reason.key)}>${reason.key}</button> ${reason.reason}</li>`)}</ul>
</details>`;

/** Every problem of the draft; each leads to its field. */
function Problems({ problems }) {
  if (!problems.length) return null;
  return html`<section class="error-box problems" id="problems" tabindex="-1" aria-label="what is wrong">
    <p><b>${problems.length === 1 ? "One thing is wrong" : `${problems.length} things are wrong`}</b></p>
    <ul>${problems.map(withoutKey).map(({ key, message }, index) => html`<li key=${index}>${key
      ? html`<button type="button" class="link" onClick=${() => focusKey(key)}>${key}</button> ` : ""}<${Prose} text=${message} /></li>`)}</ul>
  </section>`;
}

/** The bar that starts the search under a name that is free; Ctrl+Enter does the same from anywhere. */
function Start({ draft }) {
  const wanted = draft.config.name ?? draft.filled.name ?? "";
  const [typed, setTyped] = useState(null);
  const [free, isKnown] = useFreeName(String(wanted));
  const name = typed ?? free;
  const isReady = draft.settled && (isKnown || typed !== null);
  const [state, setState] = useState({ busy: false, error: null, waiting: false });
  const button = useRef(null);
  const sent = useRef({ body: null, key: null });

  const start = async () => {
    setState({ busy: true, error: null, waiting: false });
    const body = { ...(draft.written === "form" ? { config: draft.config } : { yaml: draft.yaml }), name };
    // The same request has the same key, so that a press after a lost answer starts nothing twice.
    if (sent.current.body !== JSON.stringify(body)) sent.current = { body: JSON.stringify(body), key: idempotencyKey() };
    try {
      const run = await api.post("/runs", body, { headers: { "Idempotency-Key": sent.current.key } });
      navigate(runPath(run.name));
    } catch (error) {
      setState({ busy: false, error, waiting: false });
    }
  };
  const press = () => {
    if (state.busy || !draft.stamp) return;
    if (!isReady) setState({ busy: false, error: null, waiting: true });
    else if (draft.problems.length) document.getElementById("problems")?.focus();
    else start();
  };
  // A press while the text is still being checked, or the name, counts as soon as it is.
  useEffect(() => {
    if (state.waiting && isReady) press();
  }, [state.waiting, isReady]);
  useEffect(() => {
    const listener = (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.target.closest?.("dialog")) press();
    };
    document.addEventListener("keydown", listener);
    return () => document.removeEventListener("keydown", listener);
  });
  // Whoever comes here by the keyboard starts the quickstart with Enter.
  useEffect(() => button.current?.focus({ preventScroll: true }), []);

  const wrong = draft.problems.length;
  return html`<div class="start-bar"><div class="start-inner">
    <${TextField} label="Name of the run" value=${name} onChange=${setTyped} class="start-name" />
    <div class="start-said" role="status">${wrong
      ? html`<${Badge} tone="bad">${wrong} wrong<//>` : !draft.settled ? html`<span class="soft">checking …</span>` : ""}</div>
    <${ErrorBox} error=${state.error} />
    <button type="button" ref=${button} class=${cls("button", "primary", "start")} aria-busy=${state.busy || state.waiting}
      title="Ctrl+Enter" onClick=${press}>Start the search</button>
  </div></div>`;
}

/** `wanted`, or with the first number behind it that no run has, and whether the runs are known: `[name, isKnown]`. */
function useFreeName(wanted) {
  const { data, error } = useApi(wanted ? "/runs" : null, { q: wanted, per_page: 200 });
  const taken = new Set(data?.runs.map((run) => run.name));
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted}-${number}`;
    if (!taken.has(name)) return [name, !wanted || Boolean(data ?? error)];
  }
}
