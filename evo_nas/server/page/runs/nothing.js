/** What is said of a run that has no results: that there will be some, or that there are none. */
import { html } from "../html.js";
import { Empty } from "../ui.js";

export const Nothing = ({ isLive, children }) =>
  html`<${Empty} title=${isLive ? "There are no results yet." : "Nothing was trained."}>${children}<//>`;
