/** The tab `champion` of a run: the verdict, what the champion computes, where it comes from, and what it says. */
import { html, useEffect } from "../html.js";
import { api, ofRun, useApi } from "../api.js";
import { count } from "../format.js";
import { Prose } from "../prose.js";
import { Button, Empty, ErrorBox, Loading, Meter, Panel, toast, useAction } from "../ui.js";
import { Exports } from "../champion/exports.js";
import { Cells, Lineage } from "../champion/explanation.js";
import { Predict } from "../champion/predict.js";
import { Verdict } from "../champion/verdict.js";
import { goesOn } from "./states.js";

export default function Champion({ run, detail, live, reload }) {
  // Without a score there is nothing to ask for.
  const answer = useApi(detail.best === null ? null : ofRun(run, "champion"));
  useEffect(() => {
    if (live.latest.last === "judged") answer.reload();
  }, [live.latest.last]);
  const { data, error } = answer;
  if (detail.best === null || (!data && error?.status === 404)) return html`<${NotYet} run=${run} detail=${detail} live=${live} reload=${reload} />`;
  if (!data) return error ? html`<${ErrorBox} error=${error} retry=${answer.reload} />` : html`<${Loading} lines=${6} />`;
  const { verdict, explanation } = data;
  return html`<div class="champion stack">
    <${Panel} title="Verdict" aside=${html`<span>champion <a href="?candidate=${verdict.candidate}">#${verdict.candidate}</a>${" "}
      of ${count(verdict.evaluations)} candidates</span>`}>
      <p class="sentence"><${Prose} text=${data.sentence} /></p>
      ${!data.is_current && html`<${Outdated} run=${run} detail=${detail} reload=${reload} />`}
      <${Verdict} verdict=${verdict} evidence=${data.evidence} />
      ${data.remarks.map((remark) => html`<p class="note" key=${remark}><${Prose} text=${remark} /></p>`)}
    <//>
    <div class="champion-parts">
      <${Cells} explanation=${explanation} />
      <div class="stack">
        <${Predict} run=${run} example=${data.example} />
        <${Exports} run=${run} formats=${data.formats} models=${data.models} />
        <${Lineage} run=${run} explanation=${explanation} metric=${verdict.metric} />
      </div>
    </div>
    ${explanation.remarks.length > 0 && html`<ul class="soft said">${explanation.remarks.map((remark) =>
      html`<li key=${remark}><${Prose} text=${remark} /></li>`)}</ul>`}
  </div>`;
}

/** What there is to do before there is a verdict. */
function NotYet({ run, detail, live, reload }) {
  const { last, working } = live.latest;
  if (goesOn(detail.state) && last === "working" && working?.total) {
    return html`<${Empty} title="The champion is being judged.">
      <div class="narrow"><${Meter} done=${working.done} total=${working.total} label="trainings of the verdict">${working.text ?? ""}<//></div><//>`;
  }
  if (goesOn(detail.state)) {
    return html`<${Empty} title="The search goes on.">
      <p>Once its budget is spent, the best network is trained anew beside an LSTM and a GRU of the same size.</p><//>`;
  }
  if (detail.best === null) {
    return html`<${Empty} title="There is no candidate to judge.">
      <p>${detail.evaluated ? "No training has come to a score; the evaluations say why." : "Nothing was trained yet; resume the search first."}</p><//>`;
  }
  return html`<${Empty} title="The champion has not been judged.">
    <p>Judging trains the best networks anew beside an LSTM and a GRU of the same size, and compares them on the test part.</p>
    <${Judge} run=${run} reload=${reload}>Judge<//><//>`;
}

const Outdated = ({ run, detail, reload }) => html`<div class="note row spread"><span>The search went on since this verdict.</span>
  ${!goesOn(detail.state) && html`<${Judge} run=${run} reload=${reload}>Judge again<//>`}</div>`;

function Judge({ run, reload, children }) {
  const [judge, busy, error] = useAction(async () => {
    await api.post(ofRun(run, "champion"));
    toast("The champion is being judged.");
    reload();
  });
  return html`<${Button} kind="primary" busy=${busy} onClick=${judge}>${children}<//><${ErrorBox} error=${error} />`;
}
