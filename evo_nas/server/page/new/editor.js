/** A field for YAML with colours: the letters are those of a text area, their colours those of the text behind it. */
import { html } from "../html.js";

export function Editor({ value, onInput, label, wrong }) {
  return html`<div class="editor">
    <div class="editor-sheet">
      <pre aria-hidden="true">${coloured(value)}${"\n"}</pre>
      <textarea aria-label=${label} aria-invalid=${wrong ? "true" : null} value=${value} wrap="off" spellcheck=${false} autocomplete="off"
        autocapitalize="off" onInput=${(event) => onInput(event.target.value)}></textarea>
    </div>
  </div>`;
}

/** Keys and comments; all else is left as it is. */
function coloured(text) {
  return text.split("\n").map((line, index) => {
    const [, before, comment] = /^((?:[^#"']|"[^"]*"|'[^']*'|(?<!\s)#)*)(#.*)?$/.exec(line) ?? [null, line, ""];
    const [, key, rest] = /^(\s*(?:- )?[\w.-]+:)(.*)$/.exec(before) ?? [null, "", before];
    return html`${index ? "\n" : ""}${key && html`<b>${key}</b>`}${rest}${comment && html`<i>${comment}</i>`}`;
  });
}
