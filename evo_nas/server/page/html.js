/** The template language of the page: `html` writes elements as text, and escapes every value put into it. */
import { Fragment, createContext, h, render } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export const html = htm.bind(h);
export { Fragment, createContext, render };
export * from "./vendor/hooks.js";
