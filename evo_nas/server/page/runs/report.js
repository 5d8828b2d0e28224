/** The tab `report` of a run: the one-page report in a frame that can run nothing and ask nothing. */
import { html, useEffect, useState } from "../html.js";
import { apiPath, ofRun } from "../api.js";
import { Button, Loading } from "../ui.js";
import { goesOn } from "./states.js";

export default function Report({ run, detail }) {
  const [loaded, setLoaded] = useState(false);
  // A report takes seconds, so that one of a search that goes on is made anew only when it is asked for.
  const [drawn, setDrawn] = useState(detail.evaluated);
  const isLive = goesOn(detail.state);
  const isOld = drawn !== detail.evaluated;
  useEffect(() => {
    if (!isLive) setDrawn(detail.evaluated);
  }, [isLive, detail.evaluated]);
  const address = apiPath(ofRun(run, "report"));
  return html`<div class="report">
    <div class="row spread report-head">
      <p class="soft">The verdict and every figure on one page, for those who have no service at hand.</p>
      <div class="actions">
        ${isOld && html`<${Button} class="small" onClick=${() => setDrawn(detail.evaluated)}>Draw the newest<//>`}
        <a class="button small" href=${address} target="_blank" rel="noopener">Open alone</a>
        <a class="button small" href=${apiPath(ofRun(run, "report"), { download: 1 })} download>Download</a>
      </div>
    </div>
    ${!loaded && html`<div class="report-wait"><${Loading} /><p class="soft">Drawing the figures …</p></div>`}
    <iframe key="${drawn} ${detail.state}" class=${loaded ? "" : "waiting"} title="report of ${run}" src=${address}
      sandbox="allow-popups allow-popups-to-escape-sandbox" onLoad=${() => setLoaded(true)}></iframe>
  </div>`;
}
