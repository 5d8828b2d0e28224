/** Where a configuration comes from that is looked at or changed. */
import { useEffect, useState } from "../html.js";
import { api, ofRun } from "../api.js";

const QUICKSTART = "quickstart";

/**
 * Loads what the address names: `?example=`, `?file=`, or the configuration of a `?run=`.
 *
 * @param load Called with the YAML.
 * @param fallback The example that is loaded if it names nothing; null loads none.
 * @param turn Another value loads it again, as when the same example is chosen after changes.
 * @returns `{title, reasons, error}`.
 */
export function useSource(query, load, { fallback = QUICKSTART, turn = 0 } = {}) {
  const [source, setSource] = useState({ title: "", reasons: [], error: null });
  const [file, run] = [query.get("file"), query.get("run")];
  const example = query.get("example") ?? fallback;
  useEffect(() => {
    let current = true;
    if (!file && !run && !example) return undefined;
    const begin = async () => {
      const { yaml, ...said } = await (file ? drafted(file) : run ? ofRunBefore(run) : shipped(example));
      if (!current) return;
      setSource({ reasons: [], error: null, ...said });
      load(yaml);
    };
    begin().catch((error) => current && setSource({ title: "", reasons: [], error }));
    return () => {
      current = false;
    };
  }, [file, run, example, turn]);
  return source;
}

async function shipped(name) {
  const examples = await api.get("/configs/examples");
  const example = examples.find((each) => each.name === name) ?? examples[0];
  return { yaml: example.yaml, title: example.title };
}

async function drafted(path) {
  const { yaml, reasons } = await api.post("/data/draft", { path });
  return { yaml, reasons: reasons.filter(({ reason }) => reason), title: `drafted from ${path.split("/").at(-1)}` };
}

async function ofRunBefore(run) {
  const { yaml } = await api.get(ofRun(run));
  return { yaml, title: `the configuration of ${run}` };
}
