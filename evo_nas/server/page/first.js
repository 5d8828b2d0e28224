/** The kept choice of colours, before the first paint; a module would come after it. `theme.js` does the rest. */
try {
  document.documentElement.dataset.theme = localStorage.getItem("evo-nas.theme") ?? "auto";
} catch {
  // Where nothing may be kept, the system chooses.
}
