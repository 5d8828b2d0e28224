/** A configuration that is being written: as text and as values, each following the other by way of the service. */
import { useCallback, useEffect, useState } from "../html.js";
import { api } from "../api.js";
import { writtenOut } from "./schema.js";

const WAIT_MS = 200;
const EMPTY = { yaml: "", config: {}, filled: {}, problems: [], written: "yaml", stamp: 0, settled: true, answered: false };

/**
 * The draft.
 *
 * @returns `[draft, {load, write, change}, failure]`. `draft` has the text `yaml`, the values `config` that it gives,
 *   `filled` with every default, `problems`, which of the two was `written` last, whether they are in step (`settled`),
 *   whether the service has `answered` at all, and a `stamp` for each configuration that was loaded. `load(yaml)` begins with another configuration,
 *   `write(yaml)` is typing in the text, `change(config)` in the form.
 */
export function useDraft() {
  const [draft, setDraft] = useState(EMPTY);
  const [failure, setFailure] = useState(null);
  const { yaml, config, written, settled, answered } = draft;

  useEffect(() => {
    if (settled) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const answer = await api.post("/configs/check", written === "yaml" ? { yaml } : { config }, { signal: controller.signal });
        setFailure(null);
        setDraft((now) => ({ ...now, ...inStep(now, answer), settled: true, answered: true }));
      } catch (error) {
        if (!controller.signal.aborted) setFailure(error);
      }
    }, answered ? WAIT_MS : 0);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [yaml, config, written, settled]);

  const load = useCallback((text) => setDraft((now) => ({ ...EMPTY, yaml: text, stamp: now.stamp + 1, settled: false })), []);
  const write = useCallback((text) => setDraft((now) => ({ ...now, yaml: text, written: "yaml", settled: false })), []);
  const change = useCallback((values) => setDraft((now) => ({ ...now, config: values, written: "form", settled: false })), []);
  return [draft, { load, write, change }, failure];
}

/** What an answer changes: the side that was not written, and what is said of both. */
function inStep(now, { given, config, yaml, problems }) {
  const filled = config ?? now.filled;
  if (now.written === "form") return { yaml: yaml ?? now.yaml, filled, problems };
  // A text that cannot be read has no keys; it leaves the form as it was.
  const unread = problems.length > 0 && Object.keys(given).length === 0;
  return { config: unread ? now.config : writtenOut(given), filled, problems };
}
