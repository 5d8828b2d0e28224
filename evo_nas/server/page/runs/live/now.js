/** What a run is doing now, and its totals. */
import { html } from "../../html.js";
import { about, count, duration, failed, figure, outOf, percent, short, spent, words } from "../../format.js";
import { runPath } from "../../router.js";
import { Meter, Stat } from "../../ui.js";
import { ENDINGS, goesOn } from "../states.js";
import { candidateLink } from "./parts.js";

/** One line about the step that a search is in, with how much of it is done. */
export function Now({ detail, live }) {
  if (!goesOn(detail.state) || live.ended) return detail.reason && detail.state !== "failed" ? html`<p class="soft now-reason">${detail.reason}</p>` : "";
  // After its end a process says nothing more: the next one has not spoken yet.
  const isOver = ENDINGS.some((kind) => live.latest[kind]) && live.latest.last !== "working";
  const { last, working, progressed, planned, loaded, founded } = isOver ? {} : live.latest;
  const hints = planned?.hints ?? [];
  const remarks = [...(founded?.remarks ?? detail.founders), ...(loaded?.remarks ?? [])];
  return html`<section class="now" aria-label="what goes on now">
    ${last === "working" || !progressed ? html`<${Step} working=${working} isStarting=${isOver || detail.state === "starting"} />`
      : html`<${Searching} progressed=${progressed} planned=${planned} />`}
    ${progressed?.workers.obstacle ? html`<p class="warn-text">${progressed.workers.obstacle}</p>` : ""}
    ${hints.map((hint) => html`<p key=${hint} class="warn-text">${hint}</p>`)}
    ${remarks.length > 0 && html`<details><summary>How the data and the founders were understood</summary>
      <ul>${remarks.map((remark) => html`<li key=${remark}>${remark}</li>`)}</ul></details>`}
  </section>`;
}

function Step({ working, isStarting }) {
  const doing = working?.doing ?? (isStarting ? "starting" : "searching");
  const left = working?.remaining_s ? `about ${about(working.remaining_s)} left` : "";
  const parts = working?.total ? `${count(working.done ?? 0)} of ${count(working.total)}` : "";
  return html`<div class="row spread"><b class="now-doing">${doing[0].toUpperCase() + doing.slice(1)} …</b>
      <span class="soft">${[parts, left].filter(Boolean).join(" · ")}</span></div>
    ${working?.total ? html`<${Meter} done=${working.done ?? 0} total=${working.total} label=${doing} />`
      : html`<div class="meter"><progress aria-label=${doing}></progress></div>`}`;
}

function Searching({ progressed, planned }) {
  const { told, evaluations, remaining_s: left, per_minute: pace, interrupted } = progressed;
  const verdict = planned?.verdict_s ? `, then about ${about(planned.verdict_s)} for the verdict` : "";
  return html`<div class="row spread">
      <b class="now-doing">${interrupted ? "Stopping …" : left === null ? "Searching …" : `About ${about(left)} left${verdict}`}</b>
      <span class="soft">${[pace ? `${figureOfPace(pace)} a minute` : "",
        planned ? `${about(planned.candidate_s)} a candidate` : ""].filter(Boolean).join(" · ")}</span>
    </div>
    <${Meter} done=${told} total=${evaluations} label="evaluations of the budget" />`;
}

const figureOfPace = (pace) => (pace < 10 ? pace.toFixed(1) : count(Math.round(pace)));

/** The figures that say how a run stands. */
export function Totals({ detail, live }) {
  const { progressed } = live.latest;
  // What the events say is newer than the answer, unless they are of an earlier process.
  const newest = progressed && progressed.told >= detail.evaluated ? progressed : null;
  const told = newest?.told ?? Math.max(detail.evaluated, live.latest.recorded?.told ?? 0);
  const byStatus = newest?.by_status ?? detail.by_status;
  const lost = failed(byStatus);
  const spared = newest ? savedShare(newest.savings) : detail.savings.share;
  const { totals } = detail;
  const trained = newest?.train_s ?? totals.train_s;
  const limit = detail.budget.train_minutes ? ` of ${duration(detail.budget.train_minutes * 60)}` : "";
  // They widen the budget, so that it is larger than what was asked for.
  const uncounted = newest?.uncounted ?? detail.budget.uncounted;
  const notes = [totals.remembered && `${count(totals.remembered)} of them remembered`,
    uncounted && `${count(uncounted)} diverged at once, not counted`].filter(Boolean);
  return html`<dl class="stats">
    <${Stat} label="Evaluated" note=${notes.join(", ") || null}>
      ${outOf(told, newest?.evaluations ?? (detail.evaluations || detail.config.budget?.evaluations), " / ")}<//>
    <${BestStat} detail=${detail} best=${newest?.best} />
    ${detail.test !== null && html`<${Stat} label="Champion's test" note=${html`<a href=${runPath(detail.name, "champion")}>the verdict</a>`}>
      ${figure(detail.test)}<//>`}
    ${newest && goesOn(detail.state) && html`<${Workers} workers=${newest.workers} />`}
    <${Stat} label="Training" title="seconds of training of all candidates"
      note=${totals.cpu_s ? `${spent(totals.cpu_s)} of computing` : null}>${spent(trained)}${limit}<//>
    <${Stat} label="Failed" note=${told ? percentOf(lost / told) : null}>${count(lost)}<//>
    ${spared > 0 && html`<${Stat} label="Spared by rungs" note="of the epochs">${percent(spared)}<//>`}
  </dl>`;
}

function BestStat({ detail, best }) {
  const first = detail.best_candidates[0];
  const id = best?.id ?? first?.id;
  const value = best?.value ?? detail.best;
  const size = best?.parameters ?? first?.parameters;
  const noise = detail.noise ? ` ± ${figure(detail.noise)}` : "";
  return html`<${Stat} label="Best ${words(detail.metric)}" title=${noise && `one training varies by${noise}`}
    note=${id === undefined ? null : html`${candidateLink(id)}, ${short(size)} parameters`}>
    ${value === null ? "none yet" : figure(value)}<//>`;
}

function Workers({ workers }) {
  const notes = [
    workers.waiting && `${count(workers.waiting)} wait for a place`,
    workers.lost_workers && `${count(workers.lost_workers)} lost`,
    workers.in_this_process && "in the process itself",
  ].filter(Boolean);
  return html`<${Stat} label="Workers busy" note=${notes.join(", ") || `${count(workers.in_flight)} in flight`}>
    ${count(workers.busy)} / ${count(workers.workers)}<//>`;
}

const savedShare = (savings) => (savings?.full_epochs ? 1 - savings.epochs / savings.full_epochs : 0);
const percentOf = (share) => (share > 0 && share < 0.01 ? "below 1%" : percent(share));
