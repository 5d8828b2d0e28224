/** The page of a run: its head, its tabs, and the candidate that is open beside them. */
import { html, useEffect, useState } from "../html.js";
import { ofRun, useApi } from "../api.js";
import { useRunEvents } from "../events.js";
import { RUN_TABS, navigate, runPath } from "../router.js";
import { ErrorBox, Loading, StateBadge, Tabs, useKeys, useTitle } from "../ui.js";
import { RunActions, Salvage } from "./actions.js";
import { Candidate } from "./candidate.js";
import { Nothing } from "./nothing.js";
import { ENDINGS, goesOn } from "./states.js";

/** Each tab gets `{run, detail, live, reload, route}`: the name, what the service told last, the events since. */
const TABS = {
  live: () => import("./live.js"),
  evaluations: () => import("./evaluations.js"),
  front: () => import("./front.js"),
  lineage: () => import("./lineage.js"),
  champion: () => import("./champion.js"),
  report: () => import("./report.js"),
  config: () => import("./config.js"),
  log: () => import("./log.js"),
};
/** Tabs of which nothing can be asked before there is a result. */
const OF_RESULTS = ["evaluations", "front", "lineage", "report"];
/** What events do not say is asked for again so often while a run goes on. */
const REFRESH_MS = 8000;

export default function Run({ route }) {
  const { run, tab } = route;
  useTitle(run);
  const [epoch, setEpoch] = useState(0);
  const [every, setEvery] = useState(0);
  const answer = useApi(ofRun(run), {}, { every });
  const detail = answer.data;
  const isGone = detail !== null && answer.error?.status === 404;
  const watched = detail && detail.state !== "damaged" && !isGone ? run : null;
  const live = useRunEvents(watched, epoch);
  useEffect(() => setEvery(detail && goesOn(detail.state) && !isGone ? REFRESH_MS : 0), [detail?.state, isGone]);
  // The end of a search changes more than its events say.
  useEffect(() => {
    if (live.ended || ENDINGS.includes(live.latest.last)) answer.reload();
  }, [live.ended, live.latest.last]);
  // Another process may have changed the run, or removed it.
  useEffect(() => {
    if (detail) answer.reload();
  }, [tab]);
  useKeys((event) => {
    if (event.repeat) return;
    const wanted = RUN_TABS[Number(event.key) - 1];
    if (wanted) navigate(runPath(run, wanted) + candidateQuery(route));
  });
  const again = () => {
    answer.reload();
    setEpoch((number) => number + 1);
  };
  if (!detail) {
    return html`<div class="page">${answer.error
      ? html`<h1>${run}</h1><${ErrorBox} error=${answer.error} retry=${answer.reload} />
        <${Salvage} run=${run} error=${answer.error} onDone=${again} /><p><a href="/">All runs</a></p>`
      : html`<${Loading} />`}</div>`;
  }
  const items = RUN_TABS.map((key) => ({
    key, text: key[0].toUpperCase() + key.slice(1), href: runPath(run, key) + candidateQuery(route),
  }));
  const chosen = route.query.get("candidate");
  const failure = detail.error || (detail.state === "failed" ? detail.reason : "");
  return html`<div class="page">
    <div class="page-head">
      <div>
        <p class="crumb"><a href="/">Runs</a></p>
        <div class="row"><h1>${run}</h1><${StateBadge} state=${detail.state} />
          ${goesOn(detail.state) && !live.connected && live.received > 0 ? html`<span class="badge warn">reconnecting</span>` : ""}</div>
        <p class="soft line">${[detail.task, detail.strategy, detail.metric && `${detail.metric}, ${
          detail.higher_is_better ? "higher" : "lower"} is better`].filter(Boolean).join(" · ")}</p>
      </div>
      ${!isGone && html`<${RunActions} run=${run} detail=${detail} onChange=${again} />`}
    </div>
    ${isGone ? html`<div class="error-box" role="alert"><p>This run is no longer there. What is shown is what was known of it.
        ${" "}<a href="/">All runs</a></p></div>`
      : html`<${ErrorBox} error=${answer.error} retry=${answer.reload} />`}
    ${failure ? html`<${ErrorBox} error=${new Error(failure)} />` : ""}
    <${Tabs} items=${items} current=${tab} label="parts of the run" />
    <div class=${chosen === null ? "" : "with-drawer"}>
      <div class="tab-body"><${Tab} key=${tab} tab=${tab} run=${run} detail=${detail} live=${live} route=${route}
        reload=${again} /></div>
      ${chosen !== null && html`<${Candidate} key=${chosen} run=${run} id=${Number(chosen)} detail=${detail} />`}
    </div>
  </div>`;
}

function Tab({ tab, ...given }) {
  const { detail, live } = given;
  const [page, setPage] = useState(null);
  const [failure, setFailure] = useState(null);
  useEffect(() => {
    TABS[tab]().then((module) => setPage(() => module.default), setFailure);
  }, [tab]);
  if (failure) return html`<${ErrorBox} error=${failure} />`;
  if (OF_RESULTS.includes(tab) && !detail.evaluated && !live.latest.progressed?.told) {
    return html`<${Nothing} isLive=${goesOn(detail.state) && !live.ended} />`;
  }
  return page ? html`<${page} ...${given} />` : html`<${Loading} />`;
}

/** A candidate that is open stays open when the tab changes. */
const candidateQuery = (route) =>
  route.query.has("candidate") ? `?candidate=${encodeURIComponent(route.query.get("candidate"))}` : "";
