/** A champion's answers to data that are posted: typed in as JSON, or a file. */
import { html, useRef, useState } from "../html.js";
import { api, ofRun } from "../api.js";
import { figure } from "../format.js";
import { Button, ErrorBox, Panel, Table, useAction } from "../ui.js";

const MOST_ROWS = 100;

export function Predict({ run, example }) {
  const [text, setText] = useState(() => (example ? written(example) : ""));
  const [answer, setAnswer] = useState(null);
  const file = useRef(null);
  const [ask, busy, error] = useAction(async () => {
    setAnswer(null);
    setAnswer(await api.post(ofRun(run, "predict"), parsed(text)));
  });
  const [askFile, fileBusy, fileError] = useAction(async (chosen) => {
    setAnswer(null);
    setAnswer(await api.post(ofRun(run, "predict/file"), chosen, { params: { name: chosen.name } }));
  });
  return html`<${Panel} title="Try it" aside=${html`<label class="link file">with a file …<input type="file" class="hidden" ref=${file}
      onChange=${(event) => event.target.files[0] && askFile(event.target.files[0])} /></label>`}>
    <p class="hint">${example ? "An example of what it takes; put yours in its place."
      : "Raw data in the format of the task, as JSON: rows of a table, inputs, or a text."}</p>
    <textarea class="predict-body" aria-label="data as JSON" rows="6" spellcheck=${false} value=${text}
      onInput=${(event) => setText(event.target.value)}></textarea>
    <div class="row"><${Button} kind="primary" busy=${busy || fileBusy} disabled=${!text.trim()} onClick=${ask}>Predict<//></div>
    <${ErrorBox} error=${error ?? fileError} />
    <div role="status">${answer && html`<${Answer} answer=${answer} />`}</div>
  <//>`;
}

function Answer({ answer }) {
  if (answer.text !== null && answer.text !== undefined) return html`<pre class="answer" tabindex="0">${answer.text}</pre>`;
  const rows = answer.rows.slice(0, MOST_ROWS).map((row, index) => ({ ...row, "": index }));
  const isNumber = (column) => rows.every((row) => row[column] === null || typeof row[column] === "number");
  const shown = (value) => (typeof value === "number" ? (Number.isInteger(value) ? String(value) : figure(value)) : value === null ? "-" : String(value));
  return html`<div class="answer">
    <${Table} caption="what the champion predicts" rows=${rows} keyOf=${(row) => row[""]} columns=${answer.columns.map((column) => ({
      key: column, title: column, number: isNumber(column), value: (row) => shown(row[column]) }))} />
    ${answer.rows.length > MOST_ROWS && html`<p class="hint">the first ${MOST_ROWS} of ${answer.rows.length.toLocaleString("en-US")} rows</p>`}
    ${answer.score && html`<p>${answer.score}</p>`}
    ${answer.remarks?.map((remark) => html`<p class="hint" key=${remark}>${remark}</p>`)}
  </div>`;
}

/** JSON with the innermost lists on one line each, so that a sequence is read step by step. */
function written(value, indent = "") {
  if (value === null || typeof value !== "object" || isFlat(value)) return JSON.stringify(value).replaceAll(",", ", ").replaceAll('":', '": ');
  const inner = `${indent}  `;
  const parts = Array.isArray(value) ? value.map((each) => written(each, inner))
    : Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${written(each, inner)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${open}\n${parts.map((part) => inner + part).join(",\n")}\n${indent}${close}`;
}

const isFlat = (value) => Array.isArray(value) && value.every((each) => each === null || typeof each !== "object");

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`the data are no JSON: ${error.message}`);
  }
}
