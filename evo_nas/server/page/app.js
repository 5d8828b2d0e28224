/** The page: its frame, what each address shows, signing in. */
import { html, render, useEffect, useErrorBoundary, useRef, useState } from "./html.js";
import { api, onSignInNeeded, useApi, useSession } from "./api.js";
import { followLinks, navigate, useRoute } from "./router.js";
import { apply, setTheme, theme } from "./theme.js";
import { Button, Dialog, Empty, ErrorBox, Loading, Toasts, cls, useAction, useKeys, useTitle } from "./ui.js";

/** Each page's module is read when it is first shown. */
const PAGES = {
  runs: () => import("./runs/list.js"),
  run: () => import("./runs/run.js"),
  new: () => import("./new.js"),
  compare: () => import("./compare.js"),
  data: () => import("./data.js"),
};
const PLACES = [["runs", "/", "Runs"], ["new", "/new", "New search"], ["compare", "/compare", "Compare"], ["data", "/data", "Data"]];

function App() {
  const route = useRoute();
  const service = useApi("/service");
  const [helps, setHelps] = useState(false);
  useKeys((event) => {
    if (event.key === "?") setHelps(true);
    if (event.key === "n" && !event.repeat) navigate("/new");
  });
  const main = useRef(null);
  const isFirst = useRef(true);
  // The link that was followed may be gone with its page, and the focus with it.
  useEffect(() => {
    if (!isFirst.current && document.activeElement === document.body) main.current.focus({ preventScroll: true });
    isFirst.current = false;
  }, [route.page, route.run]);
  const here = route.page === "run" ? "runs" : route.page;
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <header class="top">
      <a class="brand" href="/"><img src="/page/icon.svg" alt="" width="24" height="24" /><b>evo-nas</b></a>
      <nav aria-label="pages">
        ${PLACES.map(([page, href, text]) => html`<a key=${page} href=${href}
          aria-current=${page === here ? "page" : null}>${text}</a>`)}
      </nav>
      <div class="top-end">
        <span class="soft where" title="where the runs are kept">${service.data?.root}</span>
        <button type="button" class="quiet" title="keys (?)" aria-label="keys" onClick=${() => setHelps(true)}>?</button>
        <${ThemeSwitch} />
        <${SignOut} />
      </div>
    </header>
    <main id="main" tabindex="-1" ref=${main}><${Shown} key=${route.page + (route.run ?? "")} route=${route} service=${service.data} /></main>
    <${Toasts} />
    <${SignIn} />
    ${helps && html`<${Keys} onClose=${() => setHelps(false)} />`}`;
}

/** The page of `route`, or why it cannot be shown. */
function Shown({ route, service }) {
  const [page, setPage] = useState(null);
  const [failure, setFailure] = useState(null);
  const [broken] = useErrorBoundary();
  useEffect(() => {
    PAGES[route.page]?.().then((module) => setPage(() => module.default), setFailure);
  }, [route.page]);
  if (broken || failure) {
    return html`<div class="page"><${ErrorBox} error=${broken ?? failure} retry=${() => location.reload()} /></div>`;
  }
  if (route.page === "missing") return html`<${Missing} />`;
  return page ? html`<${page} route=${route} service=${service} />` : html`<div class="page"><${Loading} /></div>`;
}

function Missing() {
  useTitle("Not found");
  return html`<div class="page"><h1>Not found</h1><${Empty} title="There is nothing at this address.">
    <p><a href="/">All runs</a></p><//></div>`;
}

const THEMES = { auto: ["light", "◐", "colours of the system"], light: ["dark", "☀", "light"], dark: ["auto", "☾", "dark"] };

function ThemeSwitch() {
  const [value, setValue] = useState(theme());
  const [next, sign, words] = THEMES[value];
  const change = () => {
    setTheme(next);
    setValue(next);
  };
  return html`<button type="button" class="quiet" title="colours: ${words}" aria-label="colours: ${words}; change to ${next}"
    onClick=${change}>${sign}</button>`;
}

function SignOut() {
  const session = useSession();
  if (!session?.required || !session.signed_in) return null;
  const leave = async () => {
    await api.delete("/session");
    location.assign("/");
  };
  return html`<${Button} class="small" onClick=${leave}>Sign out<//>`;
}

/** Asks for the token when an answer needs it, then lets all that waited go on. */
function SignIn() {
  const waiting = useRef([]);
  const [asked, setAsked] = useState(false);
  const [token, setToken] = useState("");
  useEffect(() => onSignInNeeded((goOn) => {
    waiting.current.push(goOn);
    setAsked(true);
  }), []);
  const [enter, busy, error] = useAction(async () => {
    await api.signIn(token.trim());
    setToken("");
    setAsked(false);
    waiting.current.splice(0).forEach((goOn) => goOn());
  });
  if (!asked) return null;
  return html`<${Dialog} title="Sign in" onSubmit=${enter}
    actions=${html`<${Button} type="submit" kind="primary" busy=${busy} disabled=${!token.trim()}>Sign in<//>`}>
    <p>This service asks for its token. Whoever started it has it: <code>evo-nas serve</code> prints where it is kept.</p>
    <div class=${cls("field", error && "wrong")}>
      <label for="token">Token</label>
      <input id="token" type="password" autocomplete="current-password" autofocus value=${token}
        onInput=${(event) => setToken(event.target.value)} />
    </div>
    <${ErrorBox} error=${error} />
  <//>`;
}

const KEYS = [
  ["?", "these keys"], ["n", "a new search"], ["/", "search the list"], ["j  k", "the next, the one before"],
  ["Enter", "open it"], ["x  c", "choose a run, compare the chosen"], ["1 … 8", "the tabs of a run"], ["Esc", "close what is open"],
  ["+  -  0", "zoom a lineage"], ["arrows", "move in a lineage"],
];

const Keys = ({ onClose }) => html`<${Dialog} title="Keys" onClose=${onClose}>
  <dl class="keys">${KEYS.map(([key, text]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${text}</dd></div>`)}</dl>
<//>`;

apply();
followLinks();
render(html`<${App} />`, document.getElementById("app"));
