/** The tab `report` of a run: the one-page report in a frame that can run nothing and ask nothing. */
import { html, useState } from "../html.js";
import { apiPath, ofRun } from "../api.js";
import { Empty, Loading } from "../ui.js";

export default function Report({ run, detail }) {
  const [loaded, setLoaded] = useState(false);
  if (!detail.evaluated) return html`<${Empty} title="There is nothing to report yet." />`;
  const address = apiPath(ofRun(run, "report"));
  return html`<div class="report">
    <div class="row spread report-head">
      <p class="soft">The verdict and every figure on one page, for those who have no service at hand.</p>
      <div class="actions">
        <a class="button small" href=${address} target="_blank" rel="noopener">Open alone</a>
        <a class="button small" href=${apiPath(ofRun(run, "report"), { download: 1 })} download>Download</a>
      </div>
    </div>
    ${!loaded && html`<div class="report-wait"><${Loading} /><p class="soft">Drawing the figures …</p></div>`}
    <iframe key=${detail.evaluated} class=${loaded ? "" : "waiting"} title="report of ${run}" src=${address}
      sandbox="allow-popups allow-popups-to-escape-sandbox" onLoad=${() => setLoaded(true)}></iframe>
  </div>`;
}
