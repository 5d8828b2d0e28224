/** The template language of the page: `html` writes elements as text, and escapes every value put into it. */
import { Fragment, createContext, h, render } from "./vendor/preact.js";
import { useState } from "./vendor/hooks.js";
import htm from "./vendor/htm.js";

export const html = htm.bind(h);
export { Fragment, createContext, render };
export * from "./vendor/hooks.js";

let ids = 0;
/** An id that no other element of the page has; that of Preact repeats itself where parts of the page come later. */
export const useId = () => useState(() => `id-${++ids}`)[0];
