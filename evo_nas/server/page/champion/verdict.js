/** The table of a verdict: the champion, its opponents and the baselines, their tests as figures and as marks. */
import { html } from "../html.js";
import { count, counted, figure, spent } from "../format.js";
import { Table } from "../ui.js";

/** `evidence` is what is behind the sentence of the verdict: `{columns, rows, tests}`. */
export function Verdict({ verdict, evidence }) {
  const contestants = [verdict.champion, ...verdict.opponents];
  const baselines = Object.entries(verdict.baselines);
  const place = places(verdict, contestants, baselines);
  const strongest = baselines.reduce((best, [, value]) => (best === null || (value > best) === verdict.higher_is_better ? value : best), null);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="champion, opponents and baselines">
    <table class="table verdict">
      <caption class="hidden">champion, opponents and baselines by ${verdict.metric}</caption>
      <thead><tr>
        <th scope="col">${verdict.metric}, ${verdict.higher_is_better ? "higher" : "lower"} is better</th>
        <th scope="col" class="number">test</th><th scope="col" class="dots-head"><span class="hidden">its trainings</span></th>
        <th scope="col" class="number">validation</th><th scope="col" class="number">of each training</th>
        <th scope="col" class="number">parameters</th><th scope="col" class="number">answer, ms</th><th scope="col" class="number">training</th>
      </tr></thead>
      <tbody>
        ${contestants.map((each) => html`<tr key=${each.which} class=${each === verdict.champion ? "is-champion" : ""}>
          <th scope="row">${each.name}${each.failures > 0 && html` <small class="bad-text">${counted(each.failures, "training")} failed</small>`}</th>
          <td class="number test">${figure(each.test)}</td>
          <td class="dots"><${Dots} place=${place} test=${each.test} tests=${each.tests} champion=${each === verdict.champion} /></td>
          <td class="number">${figure(each.validation)}</td>
          <td class="number">${ofEach(each.tests)}</td>
          <td class="number">${count(each.parameters)}</td>
          <td class="number">${each.latency_ms === null ? "" : Number(each.latency_ms.toPrecision(2))}</td>
          <td class="number">${spent(each.train_s)}</td></tr>`)}
        ${baselines.map(([name, value]) => html`<tr key=${name} class="baseline">
          <th scope="row">${name}${value === strongest && html` <small class="soft">strongest baseline</small>`}</th>
          <td class="number">${figure(value)}</td><td class="dots"><${Dots} place=${place} test=${value} tests=${[]} /></td>
          <td></td><td></td><td></td><td></td><td></td></tr>`)}
      </tbody>
    </table></div>
    ${evidence?.rows.length > 0 && html`<${Evidence} evidence=${evidence} />`}
    <details class="more"><summary>How they were trained</summary>
      <dl class="facts">${contestants.map((each) => html`<div key=${each.which}><dt>${each.name}</dt><dd>${each.architecture}${
        each.setting ? `; ${each.setting}, ${counted(each.epochs, "epoch")}` : ""}</dd></div>`)}
        ${verdict.finalists && html`<div><dt>chosen</dt><dd>${verdict.finalists}</dd></div>`}
        <div><dt>scored</dt><dd>what is kept and exported, the mean of ${counted(verdict.champion.tests.length, "network")} each;
          seconds are those of all trainings, ${counted(verdict.trials, "trial")} of each included</dd></div></dl>
    </details>`;
}

const Evidence = ({ evidence }) => html`<details class="more"><summary>How sure that is</summary>
  <${Table} caption="the champion beside each other model" rows=${evidence.rows} keyOf=${(row) => row[0]} columns=${evidence.columns.map((title, index) => ({
    key: title, title, number: index > 0, value: (row) => row[index] }))} />
  <p class="hint">${evidence.tests}</p></details>`;

const ofEach = (tests) => (tests.length < 2 ? "" : `${figure(mean(tests))} ± ${Number(deviation(tests).toPrecision(2))}`);
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values) => Math.sqrt(values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / (values.length - 1));

/** Where a test metric lies, from 0 to 1, within those that are near; what is far lies beyond and does not press them together. */
function places(verdict, contestants, baselines) {
  const all = [...contestants.flatMap((each) => [each.test, ...each.tests]), ...baselines.map(([, value]) => value)].filter(Number.isFinite);
  const near = contestants.flatMap((each) => [each.test, ...each.tests]);
  const sorted = all.toSorted((one, other) => one - other);
  const middle = sorted[Math.floor(sorted.length / 2)];
  const reach = 4 * Math.max(...near.map((value) => Math.abs(value - middle)), 1e-12);
  const [low, high] = [Math.max(sorted[0], middle - reach), Math.min(sorted.at(-1), middle + reach)];
  return (value) => (high > low ? (value - low) / (high - low) : 0.5);
}

const WIDTH = 150;

/** Each training as a ring, and what is kept of them as a mark, or as an arrow towards where it lies. */
function Dots({ place, test, tests, champion }) {
  const x = (value) => 6 + (WIDTH - 12) * Math.min(Math.max(place(value), 0), 1);
  const isBeyond = place(test) < 0 || place(test) > 1;
  const beyond = place(test) < 0 ? "l-5 4l5 4" : "l5 4l-5 4";
  return html`<svg class=${champion ? "first" : ""} width=${WIDTH} height="18" viewBox="0 0 ${WIDTH} 18" aria-hidden="true">
    <line x1="6" x2=${WIDTH - 6} y1="9" y2="9" />
    ${tests.map((value, index) => html`<circle class="ring" key=${index} cx=${x(value)} cy="9" r="3.5" />`)}
    <path class=${isBeyond && "beyond"} d=${isBeyond ? `M${x(test)} 5${beyond}` : `M${x(test)} 2v14`} /></svg>`;
}
