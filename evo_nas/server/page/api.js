/** The service's API: answers as values, refusals as `Problem`s, signing in where it is asked for. */
import { useCallback, useEffect, useRef, useState } from "./html.js";

export const PREFIX = "/api/v1";

/** Why the service refused: its problem details, and `lines`, one sentence for each thing that is wrong. */
export class Problem extends Error {
  constructor(status, values) {
    super(values.detail || values.title || `the service answered ${status}`);
    this.status = status;
    this.type = values.type ?? "";
    this.title = values.title ?? "";
    this.problems = values.problems ?? [];
  }

  get lines() {
    return this.message.split("\n").filter(Boolean);
  }
}

/** Listeners for "sign in is needed"; each gets a function to call once that is done. */
const doors = new Set();
export function onSignInNeeded(listener) {
  doors.add(listener);
  return () => doors.delete(listener);
}
const signedIn = () => new Promise((resolve) => doors.forEach((listener) => listener(resolve)));

/** The path of an answer of the API, with `params` as its query; lists repeat their name. */
export function apiPath(path, params = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== "") query.append(name, each);
    }
  }
  const text = query.toString();
  return PREFIX + path + (text ? `?${text}` : "");
}

/** The path of `run`'s answers: `runPathOf("a", "chart")`. */
export const ofRun = (run, rest = "") => `/runs/${encodeURIComponent(run)}${rest ? `/${rest}` : ""}`;

async function send(method, path, { params, body, headers = {}, signal, as = "json", retry = true } = {}) {
  const options = { method, headers: { Accept: "application/json", ...headers }, signal, credentials: "same-origin" };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(apiPath(path, params), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { type: "unreachable", detail: "the service does not answer; is evo-nas serve still running?" });
  }
  if (answer.status === 401 && retry) {
    await signedIn();
    return send(method, path, { params, body, headers, signal, as, retry: false });
  }
  if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => ({})));
  if (answer.status === 204) return null;
  return as === "json" ? answer.json() : answer[as]();
}

export const api = {
  get: (path, params, options = {}) => send("GET", path, { params, ...options }),
  text: (path, params, options = {}) => send("GET", path, { params, as: "text", headers: { Accept: "*/*" }, ...options }),
  post: (path, body = {}, options = {}) => send("POST", path, { body, ...options }),
  delete: (path, options = {}) => send("DELETE", path, options),
  /** Signs in; a wrong token is a `Problem`. */
  signIn: (token) => send("POST", "/session", { body: { token }, retry: false }),
};

/** A key that makes it safe to send the same request twice. */
export const idempotencyKey = () => crypto.randomUUID?.() ?? Array.from(
  crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * The answer to a GET, kept while a newer one loads.
 *
 * @param path The path below the prefix; null asks nothing yet.
 * @param params Its query.
 * @param every Milliseconds between askings while the page is visible; 0 asks once.
 * @returns `{data, error, loading, reload}`; `data` is that of the last good answer of this very path.
 */
export function useApi(path, params = {}, { every = 0, as = "json" } = {}) {
  const key = path === null ? null : apiPath(path, params);
  const [answer, setAnswer] = useState({ key: null, data: null, error: null, loading: true });
  const current = useRef(null);
  const reload = useCallback(async () => {
    if (key === null) return;
    current.current?.abort();
    const controller = (current.current = new AbortController());
    setAnswer((before) => ({ ...before, loading: true }));
    try {
      const data = await (as === "json" ? api.get : api.text)(path, params, { signal: controller.signal });
      if (!controller.signal.aborted) setAnswer({ key, data, error: null, loading: false });
    } catch (error) {
      if (controller.signal.aborted) return;
      setAnswer((before) => ({ key: before.key, data: before.data, error, loading: false }));
    }
  }, [key, as]);
  useEffect(() => {
    reload();
    return () => current.current?.abort();
  }, [reload]);
  useEffect(() => {
    if (!every || key === null) return undefined;
    const timer = setInterval(() => document.visibilityState === "visible" && reload(), every);
    return () => clearInterval(timer);
  }, [every, reload, key]);
  const belongs = answer.key !== null && sameResource(answer.key, key);
  return { data: belongs ? answer.data : null, error: answer.error, loading: answer.loading, reload };
}

/** Whether two requests differ in their query alone, so that the older answer may stand while the newer loads. */
const sameResource = (one, other) => other !== null && one.split("?")[0] === other.split("?")[0];
