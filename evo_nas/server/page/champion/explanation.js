/** What a champion computes, and where it comes from. */
import { html, useState } from "../html.js";
import { figure, percent } from "../format.js";
import { Drawing, Equations } from "../markup.js";
import { Bars, Copy, Panel, Segmented } from "../ui.js";

const MOST_GENES = 8;
const WAYS = [["mathml", "equations"], ["text", "text"], ["latex", "LaTeX"]];

/** Its cells: the drawing, the equations and the published cell that each is closest to. */
export function Cells({ explanation }) {
  const { cells, drawing, architecture } = explanation;
  return html`<${Panel} title="What it computes" class="cells">
    <p class="architecture">${architecture}</p>
    ${drawing && cells.length > 0 && html`<${Drawing} svg=${drawing} label="drawing of the cells" class="cell-drawing" />`}
    ${cells.map((cell, index) => html`<${Cell} key=${index} cell=${cell} />`)}
    ${explanation.importance && html`<section><h3>What matters</h3><${Bars} shares=${Object.entries(explanation.importance).slice(0, MOST_GENES)
      .map(([gene, share]) => [gene, share, percent(share)])} /></section>`}
  <//>`;
}

function Cell({ cell }) {
  const [way, setWay] = useState("mathml");
  const text = way === "latex" ? cell.latex : cell.equations.join("\n");
  return html`<section class="cell">
    <div class="row spread"><h3>Cell of ${cell.layers.length > 1 ? "layers" : "layer"} ${cell.layers.join(" and ")}</h3>
      <div class="row"><${Segmented} label="how equations are written" value=${way} options=${WAYS} onChange=${setWay} />
        ${way !== "mathml" && html`<${Copy} text=${text} />`}</div></div>
    ${way === "mathml" ? html`<${Equations} mathml=${cell.mathml} />` : html`<pre tabindex="0">${text}</pre>`}
    <p class="kin">${cell.kin.differences.length
      ? html`Closest to <b>${cell.kin.name}</b>, likeness ${cell.kin.likeness.toFixed(2)}: ${cell.kin.differences.join("; ")}`
      : html`The same as <b>${cell.kin.name}</b>`}</p>
  </section>`;
}

/** Its ancestors, from the founder to itself, with what each step changed and gained. */
export function Lineage({ run, explanation, metric }) {
  if (!explanation.lineage.length) return null;
  return html`<${Panel} title="Where it comes from" aside=${html`<a href="/runs/${encodeURIComponent(run)}/lineage?candidate=${explanation.candidate}">the whole tree</a>`}>
    <ol class="steps">${explanation.lineage.map((step) => html`<li key=${step.candidate}>
      <div class="row spread"><span><a href="?candidate=${step.candidate}">#${step.candidate}</a> ${step.operator}</span>
        <span class="number">${step.fitness === null ? "failed" : figure(step.fitness)} ${gain(step)}</span></div>
      ${step.changes.length > 0 && html`<ul>${step.changes.map((change) => html`<li key=${change}><code>${change}</code></li>`)}</ul>`}
    </li>`)}</ol>
    <p class="hint">Fitness is ${metric} on validation, turned so that more is better${explanation.noise === null ? "" : `; one training varies by ± ${figure(explanation.noise)}`}.</p>
  <//>`;
}

function gain(step) {
  if (step.gain === null) return "";
  const text = `${step.gain >= 0 ? "+" : "−"}${figure(Math.abs(step.gain))}`;
  return html`<small class=${step.is_noise ? "soft" : step.gain > 0 ? "good-text" : step.gain < 0 ? "bad-text" : "soft"}
    title=${step.is_noise ? "within the noise of one training" : null}>${text}${step.is_noise ? " (noise)" : ""}</small>`;
}
