/** The tab `log` of a run: what its newest process has printed, and what the service started for it. */
import { html, useEffect, useRef, useState } from "../html.js";
import { apiPath, ofRun, useApi } from "../api.js";
import { ago, moment } from "../format.js";
import { Badge, CheckField, Copy, Empty, ErrorBox, Loading, Panel, Table } from "../ui.js";
import { goesOn } from "./states.js";

const REFRESH_MS = 3000;
const LINES = 1000;

export default function Log({ run, detail, live }) {
  const isLive = goesOn(detail.state) && !live.ended;
  const { data, error, reload } = useApi(ofRun(run, "logs"), { tail: LINES }, { as: "text", every: isLive ? REFRESH_MS : 0 });
  const [follows, setFollows] = useState(true);
  const box = useRef(null);
  useEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [data, follows]);
  const columns = detail.launches.some(({ failure }) => failure) ? LAUNCHES : LAUNCHES.filter(({ key }) => key !== "failure");
  return html`<div class="stack">
    <${Panel} title="Log" aside=${html`<${CheckField} label="follow" value=${follows} onChange=${setFollows} />
      ${data && html`<${Copy} text=${data} />`}
      <a class="button small" href=${apiPath(ofRun(run, "logs"), { tail: 10_000 })} download="${run}.log">Download</a>`}>
      <${ErrorBox} error=${error} retry=${reload} />
      ${data === null ? error ? "" : html`<${Loading} />`
        : data ? html`<pre ref=${box} tabindex="0" class="log" aria-label="the last ${LINES} lines">${data}</pre>`
        : html`<${Empty} title="Nothing was printed."><p>${detail.launches.length
            ? "Warnings and errors of the search come here." : "This run was searched from a shell, which has its output."}</p><//>`}
    <//>
    ${detail.launches.length > 0 && html`<${Panel} title="Processes"><${Table} caption="processes" columns=${columns}
      rows=${detail.launches.toReversed()} keyOf=${(launch) => launch.number} /><//>`}
  </div>`;
}

const LAUNCHES = [
  { key: "number", title: "No.", class: "soft", value: (launch) => launch.number },
  { key: "doing", title: "Command", value: (launch) => html`<code>evo-nas ${launch.doing}</code>` },
  { key: "state", title: "State", value: (launch) => (launch.is_alive ? html`<${Badge} tone="busy">running<//>`
    : launch.failure ? html`<${Badge} tone="bad">failed<//>` : launch.was_stopped ? html`<${Badge} tone="warn">stopped<//>`
    : html`<${Badge}>ended<//>`) },
  { key: "at", title: "Started", value: (launch) => html`<time title=${moment(launch.at)}>${ago(launch.at)}</time>` },
  { key: "host", title: "Machine", value: (launch) => `${launch.host}, process ${launch.pid}` },
  { key: "failure", title: "Why", class: "message", value: (launch) => launch.failure },
];
