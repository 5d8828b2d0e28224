/** Sentences in which names, values and commands stand in backticks, one or two as in docstrings. */
import { html } from "./html.js";

export const Prose = ({ text }) =>
  String(text ?? "").split(/``?/).map((part, index) => (index % 2 ? html`<code key=${index}>${part}</code>` : part));
