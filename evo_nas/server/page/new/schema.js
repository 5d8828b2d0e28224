/** The keys of a configuration as a form shows them, read from its JSON schema, and their values at dotted keys. */

/** Keys that are shown first, by section; all others are folded until they are given or wrong. */
const COMMON = {
  "": ["name", "seed"],
  task: ["path", "targets", "label", "inputs", "window", "horizon", "metric", "length", "train"],
  space: ["layers", "widths", "cells", "evolve_cell", "max_parameters"],
  strategy: ["population", "searcher"],
  training: ["epochs", "time_limit_s", "device"],
  budget: ["evaluations", "minutes"],
  workers: ["count"],
};
/** The sections in the order in which a person thinks of them; those after `workers` are closed at first. */
const ORDER = ["task", "budget", "space", "strategy", "training", "workers", "fitness", "validation", "verdict", "warm_start"];
const OPEN = 6;
/** What a bare value means in a section that may be written short, such as `workers: 2`. */
const SHORT = { workers: "count", warm_start: "runs" };
/** Keys that the service decides. */
const HIDDEN = new Set(["base_dir"]);

const UNITS = [[/(^|_)minutes$/, "minutes"], [/_s$/, "seconds"], [/_ms$/, "ms"], [/_bytes$/, "bytes"],
  [/^workers\.memory$/, "GiB"], [/sample_rate$/, "Hz"], [/epochs$/, "epochs"]];

/**
 * The sections of a form.
 *
 * @param schema The answer of `/configs/schema`.
 * @returns Fields; the first holds the keys at the top, each other is a section with `fields`, or with `kinds`.
 */
export function sectionsOf(schema) {
  const defs = schema.$defs ?? {};
  const fields = fieldsOf(schema, "", defs).filter((field) => !HIDDEN.has(field.key));
  const isSection = (field) => field.type === "section" || field.type === "kinds";
  const rank = (field) => (ORDER.includes(field.key) ? ORDER.indexOf(field.key) : ORDER.length);
  const sections = fields.filter(isSection).sort((one, other) => rank(one) - rank(other));
  return [
    { key: "", type: "section", label: "search", help: schema.description ?? "", fields: fields.filter((field) => !isSection(field)), open: true },
    ...sections.map((section) => ({ ...section, open: rank(section) < OPEN })),
  ];
}

/** The fields of an object's properties below `path`. */
function fieldsOf(schema, path, defs) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {})
    .filter(([, each]) => each.const === undefined)
    .map(([name, each]) => fieldOf(each, path ? `${path}.${name}` : name, defs, required.has(name)));
}

function fieldOf(given, key, defs, required) {
  const { choices, nullable, ...schema } = alternatives(given, defs);
  const section = key.split(".")[0];
  const name = key.split(".").at(-1);
  const common = COMMON[key.includes(".") ? section : ""] ?? [];
  const unit = UNITS.find(([pattern, named]) => pattern.test(key) && named !== name)?.[1] ?? "";
  const field = {
    key, name, required, nullable, unit,
    // What stands beside the name need not be in it: `time_limit_s` is a time limit in seconds.
    label: (unit ? name.replace(/_(s|ms|bytes)$/, "") : name).replaceAll("_", " "),
    help: given.description ?? schema.description ?? "",
    permitted: given.permitted ?? schema.permitted ?? "",
    fallback: given.default,
    example: given.examples?.[0] ?? schema.examples?.[0],
    common: required || (key.split(".").length < 3 && common.includes(name)),
  };
  return { ...field, ...shapeOf(choices, key, defs) };
}

/** What kind of control holds one of `choices`, the schemas that a value may fit. */
function shapeOf(choices, key, defs) {
  const kinds = choices.find((each) => each.oneOf && each.discriminator);
  if (kinds) {
    return { type: "kinds", kinds: kinds.oneOf.map((each) => ({
      kind: each.title, help: each.description ?? "", fields: fieldsOf(each, key, defs) })) };
  }
  const section = choices.find((each) => each.properties);
  if (section) return { type: "section", fields: fieldsOf(section, key, defs) };
  const one = choices.length === 1 ? choices[0] : {};
  if (one.enum) return { type: "choice", options: one.enum };
  if (one.type === "boolean") return { type: "switch" };
  if (one.type === "integer" || one.type === "number") return { type: "number", whole: one.type === "integer" };
  if (one.type === "array") return listOf(one, defs);
  if (one.type === "string") return { type: "text" };
  if (choices.some((each) => each.type === "array") && choices.every((each) => each.type !== "object")) {
    const list = choices.find((each) => each.type === "array");
    const words = choices.flatMap((each) => (each.const === undefined ? [] : [each.const]));
    return { ...listOf(list, defs), type: "list", words, single: choices.some((each) => each.type === "string" && !each.const) };
  }
  return { type: "any" };
}

function listOf(schema, defs) {
  const { choices } = alternatives(schema.items ?? schema.prefixItems?.[0] ?? {}, defs);
  const item = choices.length === 1 ? choices[0] : {};
  if (item.enum) return { type: "choices", options: item.enum };
  const ofText = choices.every((each) => each.type === "string");
  return { type: "list", items: ofText ? "text" : item.type ?? "any" };
}

/** Follows references, and parts what may be null from what else a value may be. */
function alternatives(schema, defs) {
  if (schema.$ref) return alternatives({ ...defs[schema.$ref.split("/").at(-1)], ...without(schema, "$ref") }, defs);
  if (schema.allOf?.length === 1) return alternatives({ ...schema.allOf[0], ...without(schema, "allOf") }, defs);
  if (!schema.anyOf) return { ...schema, choices: [schema], nullable: schema.type === "null" };
  const parts = schema.anyOf.map((each) => alternatives(each, defs));
  const choices = parts.flatMap((each) => each.choices).filter((each) => each.type !== "null");
  return { ...schema, choices, nullable: parts.some((each) => each.nullable) };
}

function without(values, name) {
  const { [name]: _, ...rest } = values;
  return rest;
}

/** `config` with its short forms written out, for a form whose sections are all objects. */
export function writtenOut(config) {
  const whole = { ...config };
  for (const [section, key] of Object.entries(SHORT)) {
    const value = whole[section];
    if (value !== undefined && (typeof value !== "object" || Array.isArray(value))) whole[section] = { [key]: value };
  }
  return whole;
}

/** The value at a dotted key; undefined if it is not given. */
export const at = (config, key) =>
  key === "" ? config : key.split(".").reduce((inner, name) => (isObject(inner) ? inner[name] : undefined), config);

/** `config` with another value at a dotted key; undefined takes it away, and a section that is left empty with it. */
export function withAt(config, key, value) {
  const [first, ...rest] = key.split(".");
  const before = isObject(config) ? config : {};
  const inner = rest.length ? withAt(before[first], rest.join("."), value) : value;
  const gone = inner === undefined || (rest.length > 0 && Object.keys(inner).length === 0);
  return gone ? without(before, first) : { ...before, [first]: inner };
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** The text of a value in a field. */
export function textOf(value) {
  if (value === undefined) return "";
  if (value === null) return "null";
  if (Array.isArray(value)) return value.map((each) => (typeof each === "string" ? quoted(each) : textOf(each))).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const quoted = (text) => (/^$|[,"[\]{}]|^\s|\s$/.test(text) ? JSON.stringify(text) : text);

/**
 * The value that a field's text means; undefined where it is empty.
 *
 * What cannot be read stays text, so that the service says what is wrong with it.
 */
export function valueOf(field, text) {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (trimmed === "null" && field.nullable) return null;
  if (field.type === "number") return numberOf(trimmed);
  if (field.type === "list") {
    if (field.words?.includes(trimmed)) return trimmed;
    if (trimmed === "[]") return [];
    const entries = parts(trimmed.startsWith("[") && trimmed.endsWith("]") ? trimmed.slice(1, -1) : trimmed);
    const values = entries.map((entry) => entryOf(entry, field.items));
    return field.single && values.length === 1 && !text.includes(",") ? values[0] : values;
  }
  return field.type === "any" ? anyOf(trimmed) : trimmed;
}

const numberOf = (text) => (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : text);

function entryOf(text, items) {
  if (/^".*"$/.test(text)) return anyOf(text);
  if (items === "text") return text;
  return items === "integer" || items === "number" ? numberOf(text) : anyOf(text);
}

function anyOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    const entries = parts(text);
    return entries.length > 1 ? entries.map((entry) => entryOf(entry, "any")) : text;
  }
}

/** Splits at the commas that stand in no bracket and no quotation. */
function parts(text) {
  const found = [""];
  let depth = 0;
  let inText = false;
  for (const letter of text) {
    if (letter === '"') inText = !inText;
    if (!inText && "[{(".includes(letter)) depth += 1;
    if (!inText && "]})".includes(letter)) depth -= 1;
    if (letter === "," && depth === 0 && !inText) found.push("");
    else found[found.length - 1] += letter;
  }
  return found.map((part) => part.trim()).filter((part, index) => part !== "" || index < found.length - 1);
}

/** The dotted key of a problem without positions in lists: `space.widths[0]` is a problem of `space.widths`. */
export const plainKey = (key) => key.replace(/\[\d+\]/g, "");

/** The problems at a key or within it. */
export const problemsAt = (problems, key) =>
  problems.filter((problem) => plainKey(problem.key) === key || plainKey(problem.key).startsWith(`${key}.`));
