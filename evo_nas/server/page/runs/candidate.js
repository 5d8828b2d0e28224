/** One candidate beside the tab that is open. */
import { html } from "../html.js";

export function Candidate({ id }) {
  return html`<aside class="drawer">#${id}</aside>`;
}
