/** The page `/compare`: several runs side by side: their curves, verdicts, ranks and configurations. */
import { html, useState } from "./html.js";
import { useApi } from "./api.js";
import { CompareCurves } from "./compare/curves.js";
import { Chooser } from "./compare/chooser.js";
import { Differences, Ranking, Verdicts } from "./compare/tables.js";
import { setQuery } from "./router.js";
import { Empty, ErrorBox, Loading, Panel, Segmented, useTitle } from "./ui.js";

const REFRESH_MS = 5000;
const XS = [["evaluations", "evaluations"], ["seconds", "time"]];

export default function Compare({ route }) {
  const names = route.query.getAll("run");
  useTitle(names.length ? `Compare ${names.join(", ")}` : "Compare");
  const x = route.query.get("x") === "seconds" ? "seconds" : "evaluations";
  const answer = useApi(names.length > 1 ? "/compare" : null, { run: names, x }, { every: REFRESH_MS });
  const { data, error } = answer;
  return html`<div class="page compare">
    <div class="page-head"><h1>Compare</h1></div>
    <${Chooser} names=${names} />
    <${ErrorBox} error=${error} retry=${answer.reload} />
    ${names.length < 2 ? html`<${Empty} title="Choose two runs or more."><p>The address of the page names them, so that it can be shared.</p><//>`
      : !data ? !error && html`<${Loading} lines=${5} />`
      : html`<div class="stack">
          <${Panel} title="Best so far" aside=${html`<${Segmented} label="over" value=${x} options=${XS}
            onChange=${(value) => setQuery({ x: value === "evaluations" ? null : value }, { replace: true })} />`}>
            <${CompareCurves} data=${data} x=${x} /><//>
          <${Verdicts} data=${data} />
          <${Ranking} data=${data} />
          <${Differences} data=${data} />
        </div>`}
  </div>`;
}
