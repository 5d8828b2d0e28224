/** The live events of a run: one stream for all parts of the page that watch it, resumed without loss. */
import { useEffect, useState } from "./html.js";
import { apiPath, ofRun } from "./api.js";

export const KINDS = [
  "working", "loaded", "baselines", "founded", "started", "planned", "progressed", "stopped", "completed", "failed",
  "judged", "recorded",
];
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30000;

/** Watches of runs, by name; each closes its stream when nobody watches any more. */
const watches = new Map();

class Watch {
  constructor(run) {
    this.run = run;
    this.listeners = new Set();
    this.state = { latest: {}, connected: false, ended: false, received: 0 };
    this.lastId = "";
    this.wait = FIRST_WAIT_MS;
    this.open();
  }

  open() {
    const source = new EventSource(apiPath(ofRun(this.run, "events"), { after: this.lastId }));
    this.source = source;
    source.onopen = () => {
      this.wait = FIRST_WAIT_MS;
      this.change({ connected: true });
    };
    source.onerror = () => {
      this.change({ connected: false });
      // The browser reconnects by itself, except after a refusal.
      if (source.readyState === EventSource.CLOSED) this.again();
    };
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        this.lastId = event.lastEventId || this.lastId;
        const values = JSON.parse(event.data);
        // What an earlier process of the run has said is over once a later one speaks.
        const launch = this.lastId.split("-")[0];
        const said = launch === this.launch ? this.state.latest : {};
        this.launch = launch;
        this.change({
          latest: { ...said, [kind]: values, last: kind },
          received: this.state.received + 1,
        });
      });
    }
    source.addEventListener("end", () => {
      source.close();
      this.change({ ended: true, connected: false });
    });
  }

  again() {
    if (this.closed || this.state.ended) return;
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }

  change(values) {
    this.state = { ...this.state, ...values };
    // Many events may come in one turn; the page is drawn once for all of them.
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      this.listeners.forEach((listener) => listener(this.state));
    });
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    if (this.drawing) cancelAnimationFrame(this.drawing);
    this.source.close();
  }
}

/**
 * The live state of `run`: the latest event of each kind.
 *
 * @param run Its name; null watches nothing.
 * @param epoch Another number begins a new stream, as after a resume.
 * @returns `{latest, connected, ended, received}`.
 */
export function useRunEvents(run, epoch = 0) {
  const [state, setState] = useState({ latest: {}, connected: false, ended: false, received: 0 });
  useEffect(() => {
    if (run === null) return undefined;
    const key = `${run} ${epoch}`;
    if (!watches.has(key)) watches.set(key, new Watch(run));
    const watch = watches.get(key);
    watch.listeners.add(setState);
    setState(watch.state);
    return () => {
      watch.listeners.delete(setState);
      if (watch.listeners.size === 0) {
        watch.close();
        watches.delete(key);
      }
    };
  }, [run, epoch]);
  return state;
}
