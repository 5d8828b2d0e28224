/** Dense charts on a canvas, by uPlot, in the colours of the page. */
import { html, useEffect, useRef } from "./html.js";
import uPlot from "./vendor/uplot.js";
import { colour, useColours } from "./theme.js";
import { figure, short, stretch } from "./format.js";

export { uPlot };

/**
 * A chart that keeps the width of its place.
 *
 * @param options `(colour) => uPlot options` without width and height; called again when the colours change.
 * @param data uPlot's columns; new ones are drawn without making the chart anew, and keep a zoom.
 * @param label What the chart shows, for those who do not see it.
 * @param version Another value makes the chart anew, as when its series are others.
 */
export function Chart({ options, data, label, height = 300, version = 0 }) {
  const place = useRef(null);
  const chart = useRef(null);
  const colours = useColours();
  useEffect(() => {
    const width = place.current.clientWidth;
    const made = new uPlot({ width, height, legend: { show: false }, ...options(colour) }, data, place.current);
    chart.current = made;
    const resized = new ResizeObserver(([entry]) => {
      const next = Math.floor(entry.contentRect.width);
      if (next > 0 && next !== made.width) made.setSize({ width: next, height });
    });
    resized.observe(place.current);
    return () => {
      resized.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [colours, version, height]);
  useEffect(() => {
    const made = chart.current;
    if (!made || made.data === data) return;
    const { min, max } = made.scales.x;
    const [first, last] = [made.data[0][0], made.data[0].at(-1)];
    const isZoomed = made.data[0].length > 1 && (min > first || max < last);
    made.setData(data, !isZoomed);
    if (isZoomed) made.setScale("x", { min, max });
  }, [data, colours, version, height]);
  return html`<div class="chart" ref=${place} role="img" aria-label=${label}></div>`;
}

/** Steps between marks that are whole numbers. */
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7];

/** Steps between marks that are whole seconds, minutes, hours or days. */
const TIMES = [1, 2, 5, 10, 15, 30, ...[1, 2, 5, 10, 15, 30].map((minutes) => 60 * minutes),
  ...[1, 2, 3, 6, 12, 24, 48, 120, 240, 480, 1200, 2400].map((hours) => 3600 * hours)];

const stepsOf = (format, whole = false) => (whole ? { incrs: WHOLE } : format === stretch ? { incrs: TIMES } : {});

/** A range with some space around it, also of values that are all the same. */
const padded = (_, low, high) => {
  if (low === null) return [0, 1];
  const space = (high - low || Math.abs(high) || 1) * 0.08;
  return [low - space, high + space];
};

/** The axes of the page's charts; `x` and `y` are their labels. */
export function axes(paint, { x, y, values = short, times, whole = false } = {}) {
  const shared = {
    stroke: paint("--soft"),
    font: "12px system-ui, sans-serif",
    labelFont: "12px system-ui, sans-serif",
    labelSize: 20,
    grid: { stroke: paint("--grid"), width: 1 },
    ticks: { stroke: paint("--grid"), width: 1, size: 4 },
  };
  return [
    { ...shared, ...stepsOf(times, whole), label: x, size: 32, labelGap: -2, values: (_, splits) => splits.map((value) => (value === null ? "" : (times ?? short)(value))) },
    { ...shared, ...stepsOf(values), label: y, size: 58, values: (_, splits) => splits.map((value) => (value === null ? "" : values(value))) },
  ];
}

/**
 * Lines over one x: `series` are `[{label, values, colour, dash, stepped, fill, points}]`; one with `points` has no line.
 *
 * @param x Their places, ascending.
 * @param whole Whether only whole numbers are marked on the x axis.
 */
export function Lines({ x, series, label, xLabel, yLabel, height = 220, format = figure, values = short, times, range = padded, whole }) {
  const options = (paint) => ({
    scales: { x: { time: false }, y: { range } },
    axes: axes(paint, { x: xLabel, y: yLabel, values, times, whole }),
    cursor: { drag: { x: true, y: false }, points: { size: 6 } },
    series: [{}, ...series.map((each) => ({
      label: each.label,
      stroke: paint(each.colour ?? "--first"),
      paths: each.points ? () => null : each.stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
      width: each.width ?? 1.75,
      dash: each.dash,
      fill: each.fill ? `color-mix(in srgb, ${paint(each.colour)} 14%, transparent)` : undefined,
      points: { show: Boolean(each.points), size: 7, fill: paint("--paper") },
      spanGaps: true,
      value: (_, value) => format(value),
    }))],
    plugins: [hovering((chart, index) => [
      (times ?? short)(chart.data[0][index]),
      ...series.map((each, number) => [each.label, chart.data[number + 1][index]])
        .filter(([, value]) => value !== null && value !== undefined)
        .map(([name, value]) => `${name} ${format(value)}`),
    ])],
  });
  const version = series.map((each) => `${each.label} ${each.colour} ${each.stepped}`).join("|") + xLabel + yLabel;
  return html`<${Chart} options=${options} data=${[x, ...series.map((each) => each.values)]} label=${label}
    height=${height} version=${version} />`;
}

/** A plugin: a small box beside the cursor with the lines of text that `say(chart, index)` returns. */
export function hovering(say) {
  let box = null;
  return {
    hooks: {
      init: (chart) => { box = overlay(chart, "hover"); },
      setCursor: (chart) => {
        const { left, top, idx } = chart.cursor;
        const lines = left >= 0 && idx !== null && idx !== undefined ? say(chart, idx) : null;
        showHover(chart, box, lines, left, top);
      },
    },
  };
}

/** An element of the class `name` above the plot, which is hidden until it is needed, and when the pointer leaves. */
export function overlay(chart, name) {
  const element = document.createElement("div");
  element.className = name;
  element.hidden = true;
  chart.over.append(element);
  chart.over.addEventListener("mouseleave", () => { element.hidden = true; });
  return element;
}

/** Shows `lines` in `box` near a point of the plot, within its bounds. */
export function showHover(chart, box, lines, left, top) {
  box.hidden = !lines?.length;
  if (box.hidden) return;
  box.replaceChildren(...lines.map((line) => {
    const row = document.createElement("div");
    row.textContent = line;
    return row;
  }));
  const { clientWidth: width, clientHeight: height } = chart.over;
  const toTheLeft = left + box.offsetWidth + 16 > width;
  box.style.left = `${Math.max(toTheLeft ? left - box.offsetWidth - 12 : left + 12, 0)}px`;
  box.style.top = `${Math.max(Math.min(top - box.offsetHeight / 2, height - box.offsetHeight), 0)}px`;
}
