/** A field for YAML with colours: the letters are those of a text area, their colours those of the text behind it. */
import { html } from "../html.js";

/** `waits` is that the text is about to follow the form, so that nothing may be typed. */
export function Editor({ value, onInput, label, wrong, waits }) {
  return html`<div class="editor">
    <div class="editor-sheet">
      <pre aria-hidden="true">${coloured(value)}${"\n"}</pre>
      <textarea aria-label=${label} aria-invalid=${wrong ? "true" : null} value=${value} readonly=${waits} wrap="off" spellcheck=${false} autocomplete="off"
        autocapitalize="off" onInput=${(event) => onInput(event.target.value)}></textarea>
    </div>
  </div>`;
}

/** Keys and comments; all else is left as it is. */
function coloured(text) {
  return text.split("\n").map((line, index) => {
    const end = commentAt(line);
    const [key] = /^\s*(?:- )?[\w.-]+:/.exec(line.slice(0, end)) ?? [""];
    return html`${index ? "\n" : ""}${key && html`<b>${key}</b>`}${line.slice(key.length, end)}${end < line.length && html`<i>${line.slice(end)}</i>`}`;
  });
}

/** Where the comment of a line begins: at a `#` after a space and outside of quotes; its length if it has none. */
function commentAt(line) {
  let quote = "";
  for (let place = 0; place < line.length; place += 1) {
    const letter = line[place];
    if (quote) quote = letter === quote ? "" : quote;
    else if (letter === "#" && (place === 0 || /\s/.test(line[place - 1]))) return place;
    // An apostrophe within a word is no quotation mark.
    else if (`"'`.includes(letter) && !/\w/.test(line[place - 1] ?? "")) quote = letter;
  }
  return line.length;
}
