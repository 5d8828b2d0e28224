/** What can be done with a run: stop, resume, fork. */
import { html } from "../html.js";

export function RunActions() {
  return html`<div class="actions"></div>`;
}
