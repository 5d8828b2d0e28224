/** A configuration that is being written: as text and as values, each following the other by way of the service. */
import { useCallback, useEffect, useState } from "../html.js";
import { api } from "../api.js";
import { withAt, writtenOut } from "./schema.js";

const WAIT_MS = 200;
const EMPTY = {
  yaml: "", config: {}, filled: {}, problems: [], written: "yaml", stamp: 0, settled: true, answered: false, unread: false, late: [],
};

/**
 * The draft.
 *
 * @returns `[draft, {load, write, change, again}, failure]`. `draft` has the text `yaml`, the values `config` that it
 *   gives, `filled` with every default, `problems`, which of the two was `written` last, whether they are in step
 *   (`settled`), whether the text cannot be read at all (`unread`), whether the service has `answered`, and a `stamp` for
 *   each configuration that was loaded. `load(yaml)` begins with another configuration, `write(yaml)` is typing in the
 *   text, `change(key, value)` in the form, and `again()` asks once more after a `failure`.
 */
export function useDraft() {
  const [draft, setDraft] = useState(EMPTY);
  const [failure, setFailure] = useState(null);
  const [tries, setTries] = useState(0);
  const { yaml, config, written, settled, answered } = draft;

  useEffect(() => {
    if (settled) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const answer = await api.post("/configs/check", written === "yaml" ? { yaml } : { config, text: yaml }, { signal: controller.signal });
        setFailure(null);
        setDraft((now) => ({ ...now, ...inStep(now, answer), answered: true }));
      } catch (error) {
        if (!controller.signal.aborted) setFailure(error);
      }
    }, answered ? WAIT_MS : 0);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [yaml, config, written, settled, tries]);

  const load = useCallback((text) => setDraft((now) => ({ ...EMPTY, yaml: text, stamp: now.stamp + 1, settled: false })), []);
  const write = useCallback((text) => setDraft((now) => ({ ...now, yaml: text, written: "yaml", settled: false })), []);
  const change = useCallback((key, value) => setDraft((now) => changed(now, key, value)), []);
  const again = useCallback(() => setTries((number) => number + 1), []);
  return [draft, { load, write, change, again }, failure];
}

/** A draft with another value at a key. Where the form is behind the text, it is kept until both are in step. */
function changed(now, key, value) {
  const config = withAt(now.config, key, value);
  return now.written === "yaml" && !now.settled
    ? { ...now, config, late: [...now.late, [key, value]] }
    : { ...now, config, written: "form", settled: false };
}

/** What an answer changes: the side that was not written, and what is said of both. */
function inStep(now, { given, config, yaml, problems }) {
  const said = { filled: config ?? now.filled, problems, settled: true };
  if (now.written === "form") return { ...said, yaml };
  // A text that cannot be read has no keys; it leaves the form as it was.
  const unread = problems.length > 0 && Object.keys(given).length === 0;
  if (unread) return { ...said, unread, late: [] };
  const values = now.late.reduce((before, [key, value]) => withAt(before, key, value), writtenOut(given));
  const isBehind = now.late.length > 0;
  return { ...said, unread, config: values, late: [], settled: !isBehind, written: isBehind ? "form" : "yaml" };
}
