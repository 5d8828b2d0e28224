/** The tab `config` of a run. */
import { html } from "../html.js";
import { Empty } from "../ui.js";

/** Gets `{run, detail, live, reload}`, as every tab of a run does. */
export default function Config() {
  return html`<${Empty} title="This page is being built." />`;
}
