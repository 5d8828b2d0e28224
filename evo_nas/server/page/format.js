/** Numbers, times and names as the command line writes them (evo_nas/cli/formatting.py). */

/** Causes of evaluations and their words. */
export const CAUSES = {
  ok: "trained in full",
  pruned: "pruned",
  too_big: "too big",
  diverged: "diverged",
  timed_out: "timed out",
  failed: "failed",
  poisoned: "lost their workers",
  trained: "a long training",
};

/** Causes of evaluations that have no score. */
export const FAILURES = ["too_big", "diverged", "timed_out", "failed", "poisoned"];

/** How many of the evaluations `byStatus` have no score. */
export const failed = (byStatus) => FAILURES.reduce((sum, status) => sum + (byStatus[status] ?? 0), 0);

const grouped = new Intl.NumberFormat("en-US");

/** `12345` as `12,345`. */
export const count = (value) => (value === null || value === undefined ? "-" : grouped.format(value));

/** `1 value` or `2 values`. */
export const counted = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** A value with four decimals, or with four significant digits if it is very large or small. */
export function figure(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "-";
  const size = Math.abs(value);
  if (value === 0 || (size >= 0.001 && size < 100)) return value.toFixed(4);
  if (!Number.isFinite(value)) return String(value);
  const [digits, exponent] = value.toExponential(3).split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 4) return String(Number(value.toPrecision(4)));
  const sign = power < 0 ? "-" : "+";
  return `${Number(digits)}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** A number in few letters for axes and small places: `12.3k`. */
export function short(value) {
  if (value === null || value === undefined) return "-";
  const size = Math.abs(value);
  for (const [unit, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (size >= unit) return `${Number((value / unit).toPrecision(3))}${letter}`;
  }
  return String(Number(value.toPrecision(3)));
}

/** Seconds as `m:ss` or `h:mm:ss`; `-:--` if they are unknown. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "-:--";
  const whole = Math.round(seconds);
  const two = (part) => String(part).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** Seconds that were spent: `< 0.01 s`, `0.42 s` or `18 s`, then as `duration`. */
export function spent(seconds) {
  if (seconds === null || seconds === undefined) return "-";
  if (seconds >= 59.5) return duration(seconds);
  if (seconds > 0 && seconds < 0.01) return "< 0.01 s";
  return `${seconds < 9.95 ? Number(seconds.toPrecision(2)) : Math.round(seconds)} s`;
}

/** Seconds roughly: `0.4 s`, `18 s`, `12 minutes` or `3.1 hours`. */
export function about(seconds) {
  if (seconds === null || seconds === undefined) return "-";
  if (seconds < 9.5) return `${Number(seconds.toPrecision(1))} s`;
  if (seconds < 90) return `${seconds.toFixed(0)} s`;
  return seconds < 5400 ? `${(seconds / 60).toFixed(0)} minutes` : `${Number((seconds / 3600).toPrecision(2))} hours`;
}

/** Seconds for axes: `45s`, `20m`, `1.5h` or `6.4d`. */
export function stretch(seconds) {
  if (seconds < 60) return `${Number(seconds.toPrecision(2))}s`;
  if (seconds < 3600) return `${Number((seconds / 60).toPrecision(3))}m`;
  const hours = seconds / 3600;
  return hours < 100 ? `${Number(hours.toPrecision(3))}h` : `${Number((hours / 24).toPrecision(3))}d`;
}

/** A time in ISO 8601 beside `now`: `just now`, `4 min ago`, `3 h ago`, `12 d ago`, then the date. */
export function ago(iso, now = Date.now()) {
  if (!iso) return "-";
  const seconds = (now - new Date(iso).getTime()) / 1000;
  if (Number.isNaN(seconds)) return String(iso);
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${Math.max(Math.round(seconds / 60), 1)} min ago`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`;
  return seconds < 30 * 86400 ? `${Math.round(seconds / 86400)} d ago` : String(iso).slice(0, 10);
}

/** A time in ISO 8601 for people of this place. */
export function moment(iso) {
  const time = new Date(iso);
  return iso && !Number.isNaN(time.getTime())
    ? time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" }) : "-";
}

/** A share from 0 to 1 in per cent. */
export const percent = (share) => (share === null || share === undefined ? "-" : `${Math.round(share * 100)}%`);

/** `12/120`; only `12` where the number of evaluations is no limit. */
export const outOf = (told, evaluations, between = "/") =>
  !evaluations || evaluations >= 2 ** 31
    ? count(told) : `${count(told)}${between}${count(evaluations)}`;

/** The origin of a candidate: `mutation of #31`. */
export const origin = (operator, parents = []) =>
  parents.length ? `${operator} of ${parents.map((parent) => `#${parent}`).join(" and ")}` : operator ?? "-";

/** `3 / 9` epochs; a network that was refused has trained none. */
export const epochs = (trained, budget) => (budget ? `${count(trained)} / ${count(budget)}` : "none");

/** A setting as YAML writes it on one line, without the quotes that few texts need. */
export function setting(value) {
  if (value === undefined) return "-";
  if (value === null) return "none";
  if (Array.isArray(value)) return `[${value.map(setting).join(", ")}]`;
  if (typeof value !== "object") return String(value);
  return `{${Object.entries(value).map(([key, each]) => `${key}: ${setting(each)}`).join(", ")}}`;
}

/** A key in words: `learning_rate` as `learning rate`. */
export const words = (key) => String(key).replaceAll("_", " ");
