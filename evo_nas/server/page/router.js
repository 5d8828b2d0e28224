/** Addresses of the page: each can be shared, and says all that is shown. */
import { useEffect, useState } from "./html.js";

export const RUN_TABS = ["live", "evaluations", "front", "lineage", "champion", "report", "config", "log"];

/** What the address `path` with `search` shows: `{page, query}` with `run` and `tab` for a run. */
export function parse(path, search = "") {
  const query = new URLSearchParams(search);
  const parts = path.split("/").filter(Boolean).map(decoded);
  if (!parts.length || (parts[0] === "runs" && parts.length === 1)) return { page: "runs", query };
  if (parts[0] === "runs" && parts.length <= 3) {
    const tab = parts[2] ?? "live";
    if (RUN_TABS.includes(tab)) return { page: "run", run: parts[1], tab, query };
  }
  if (parts.length === 1 && ["new", "compare", "data"].includes(parts[0])) return { page: parts[0], query };
  return { page: "missing", query };
}

/** The address of a run's tab; the first tab has the short one. */
export const runPath = (run, tab = "live") =>
  `/runs/${encodeURIComponent(run)}${tab === "live" ? "" : `/${tab}`}`;

/** `path` with `values` as its query, without those that are empty. */
export function withQuery(path, values) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== "") query.append(key, each);
    }
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

const listeners = new Set();
const changed = () => listeners.forEach((listener) => listener());

/** Shows another address, another page from its top; `replace` takes the place of this one in the history. */
export function navigate(href, { replace = false } = {}) {
  const { pathname: before } = location;
  history[replace ? "replaceState" : "pushState"](null, "", href);
  changed();
  if (location.pathname !== before) scrollTo(0, 0);
}

/** Sets (or with null removes) values of this address's query and leaves the others. */
export function setQuery(values, { replace = false } = {}) {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === "") query.delete(key);
    else query.set(key, value);
  }
  const text = query.toString();
  navigate(location.pathname + (text ? `?${text}` : ""), { replace });
}

/** The address that is shown, as `parse` reads it. */
export function useRoute() {
  const [route, setRoute] = useState(() => parse(location.pathname, location.search));
  useEffect(() => {
    const listener = () => setRoute(parse(location.pathname, location.search));
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return route;
}

/** Lets links within the page change the address without loading it anew. */
export function followLinks() {
  addEventListener("popstate", changed);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
    const address = new URL(link.href);
    if (address.origin !== location.origin || /^\/(api|page)\//.test(address.pathname)) return;
    if (address.hash && address.pathname === location.pathname) return;
    event.preventDefault();
    navigate(address.pathname + address.search);
  });
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
