/** Downloads of a champion in every format. */
import { html, useState } from "../html.js";
import { apiPath, ofRun } from "../api.js";
import { Prose } from "../prose.js";
import { Panel, SelectField } from "../ui.js";

export function Exports({ run, formats, models }) {
  const [which, setWhich] = useState(models[0] ?? "champion");
  return html`<${Panel} title="Take it away">
    <p class="hint">Each is compared with the model in memory before it is sent.</p>
    ${models.length > 1 && html`<${SelectField} label="Model" value=${which} options=${models} onChange=${setWhich} class="which" />`}
    <ul class="formats">${formats.map((format) => html`<li key=${format.name}>
      ${format.is_installed === false ? html`<span class="soft format-name">${format.name}</span>`
        : html`<a class="button small format-name" download href=${apiPath(ofRun(run, `exports/${format.name}`), which === "champion" ? {} : { which })}
          aria-label="download as ${format.name}">↓ ${format.name}</a>`}
      <span><${Prose} text=${format.summary} />${format.is_installed === false && html` <span class="soft">The service needs the extra <code>${format.extra}</code>.</span>`}</span>
    </li>`)}</ul>
  <//>`;
}
