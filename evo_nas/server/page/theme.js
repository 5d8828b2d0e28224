/** Dark or light: the system's choice until the reader makes one, which this browser keeps. */
import { useEffect, useState } from "./html.js";

const KEY = "evo-nas.theme";
const listeners = new Set();

/** `auto`, `light` or `dark`. */
export function theme() {
  const kept = read();
  return ["light", "dark"].includes(kept) ? kept : "auto";
}

export function setTheme(value) {
  try {
    localStorage.setItem(KEY, value);
  } catch {
    // Where nothing may be kept, the choice lasts as long as the page.
  }
  apply(value);
}

export function apply(value = theme()) {
  document.documentElement.dataset.theme = value;
  listeners.forEach((listener) => listener());
}

/** A number that changes whenever the colours do, for what is drawn on a canvas. */
export function useColours() {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const changed = () => setVersion((number) => number + 1);
    const system = matchMedia("(prefers-color-scheme: dark)");
    listeners.add(changed);
    system.addEventListener("change", changed);
    return () => {
      listeners.delete(changed);
      system.removeEventListener("change", changed);
    };
  }, []);
  return version;
}

/** The colour that a variable of the style sheet has now, such as `--first`. */
export function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function read() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
