/** Changes of a configuration, as they are typed. */

/** The value that `text` says: JSON where it is, and otherwise the text itself. */
export function parsedValue(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text.trim();
  }
}

/** The value of a dotted key; undefined where there is none. */
export const valueAt = (config, key) => key.split(".").reduce((values, part) => values?.[part], config);

/** `[{key, value}]` as dotted keys with their values, without those that change nothing. */
export function changedIn(changes, config) {
  const named = changes.map(({ key, value }) => [key.trim(), parsedValue(value)])
    .filter(([key, value]) => key && value !== "" && JSON.stringify(value) !== JSON.stringify(valueAt(config, key)));
  return Object.fromEntries(named);
}

/** Dotted keys of all settings with their values: `[[key, value]]`. */
export const settingsOf = (values, above = "") => Object.entries(values ?? {}).flatMap(([key, value]) =>
  value !== null && typeof value === "object" && !Array.isArray(value)
    ? settingsOf(value, `${above}${key}.`) : [[above + key, value]]);
