/** Sentences of docstrings, in which names and values stand in double backticks. */
import { html } from "./html.js";

export const Prose = ({ text }) =>
  String(text ?? "").split("``").map((part, index) => (index % 2 ? html`<code key=${index}>${part}</code>` : part));
