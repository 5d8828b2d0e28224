/** The service's API: answers as values, refusals as `Problem`s, signing in where it is asked for. */
import { useCallback, useEffect, useRef, useState } from "./html.js";
import { withQuery } from "./router.js";

const PREFIX = "/api/v1";

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
const signInListeners = new Set();
export function onSignInNeeded(listener) {
  signInListeners.add(listener);
  return () => signInListeners.delete(listener);
}
const signedIn = () => new Promise((resolve) => signInListeners.forEach((listener) => listener(resolve)));

/** What the service says of this browser, `{required, signed_in}`: asked once, before anything else is. */
let session = null;
const sessionListeners = new Set();

function enter(answer) {
  session = Promise.resolve(answer);
  sessionListeners.forEach((listener) => listener(answer));
}

/** Waits for the token where it is needed, so that no request is made only to be refused. */
async function admitted() {
  session ??= send("GET", "/session", { isOpen: true });
  try {
    const { required, signed_in: isIn } = await session;
    if (required && !isIn) await signedIn();
  } catch (error) {
    session = null;
    throw error;
  }
}

/** What the service says of this browser; null until it is known. */
export function useSession() {
  const [shown, setShown] = useState(null);
  useEffect(() => {
    sessionListeners.add(setShown);
    admitted().then(() => session.then(setShown), () => {});
    return () => sessionListeners.delete(setShown);
  }, []);
  return shown;
}

/** The path of an answer of the API, with `params` as its query; lists repeat their name. */
export const apiPath = (path, params = {}) => withQuery(PREFIX + path, params);

/** The path of `run`'s answers: `runPathOf("a", "chart")`. */
export const ofRun = (run, rest = "") => `/runs/${encodeURIComponent(run)}${rest ? `/${rest}` : ""}`;

const away = () => new Problem(0, {
  type: "unreachable", detail: "the service does not answer; is evo-nas serve still running?",
});

/** Why something else has answered than the service, whose refusals are JSON. */
const foreign = (status) => [502, 503, 504].includes(status) ? away() : new Problem(status, {
  detail: `a proxy has answered in place of the service (${status}); where people sign in at the proxy, load this page again`,
});

/** Sends a request; `body` becomes JSON, unless it is a `Blob`. One that `isOpen` needs no token. */
async function send(method, path, { params, body, headers = {}, signal, as = "json", isOpen = false } = {}) {
  if (!isOpen) await admitted();
  const options = { method, headers: { Accept: "application/json", ...headers }, signal, credentials: "same-origin" };
  if (body instanceof Blob) {
    options.headers["Content-Type"] = "application/octet-stream";
    options.body = body;
  } else if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(apiPath(path, params), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw away();
  }
  const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
  if (!isJson && (!answer.ok || as === "json") && answer.status !== 204) throw foreign(answer.status);
  if (answer.status === 401 && !isOpen) {
    // The cookie has lived its time.
    await signedIn();
    return send(method, path, { params, body, headers, signal, as });
  }
  if (!answer.ok) throw new Problem(answer.status, await answer.json());
  if (answer.status === 204) return null;
  return as === "json" ? answer.json() : answer[as]();
}

export const api = {
  get: (path, params, options = {}) => send("GET", path, { params, ...options }),
  text: (path, params, options = {}) => send("GET", path, { params, as: "text", headers: { Accept: "*/*" }, ...options }),
  post: (path, body = {}, options = {}) => send("POST", path, { body, ...options }),
  delete: (path, options = {}) => send("DELETE", path, options),
  /** Signs in; a wrong token is a `Problem`. */
  signIn: async (token) => enter(await send("POST", "/session", { body: { token }, isOpen: true })),
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
  const [answer, setAnswer] = useState({ key: null, data: null, error: null, failed: null, loading: true });
  const current = useRef(null);
  const isAsking = useRef(false);
  const reload = useCallback(async () => {
    if (key === null) return;
    current.current?.abort();
    const controller = (current.current = new AbortController());
    isAsking.current = true;
    setAnswer((before) => ({ ...before, loading: true }));
    try {
      const data = await (as === "json" ? api.get : api.text)(path, params, { signal: controller.signal });
      if (!controller.signal.aborted) setAnswer({ key, data, error: null, failed: null, loading: false });
    } catch (error) {
      if (!controller.signal.aborted) setAnswer((before) => ({ ...before, error, failed: key, loading: false }));
    }
    if (current.current === controller) isAsking.current = false;
  }, [key, as]);
  useEffect(() => {
    reload();
    return () => current.current?.abort();
  }, [reload]);
  useEffect(() => {
    if (!every || key === null) return undefined;
    // An answer that takes longer than that is waited for; asking anew would put it off for ever.
    const timer = setInterval(() => document.visibilityState === "visible" && !isAsking.current && reload(), every);
    return () => clearInterval(timer);
  }, [every, reload, key]);
  return {
    data: sameResource(answer.key, key) ? answer.data : null,
    error: sameResource(answer.failed, key) ? answer.error : null,
    loading: answer.loading, reload,
  };
}

/** Whether two requests differ in their query alone, so that the older answer may stand while the newer loads. */
const sameResource = (one, other) => one !== null && other !== null && one.split("?")[0] === other.split("?")[0];
