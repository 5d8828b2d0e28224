/** A lineage as a drawing that is moved and zoomed by pointer and keys, and whose networks can be opened. */
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../../html.js";
import { CAUSES, figure } from "../../format.js";
import { Button } from "../../ui.js";
import { NODE } from "./layout.js";

const CLOSEST = 2;
const FARTHEST = 0.04;
/** Smaller writing cannot be read, so that the view begins at the candidate instead. */
const READABLE = 0.55;
const STEP = 1.3;
const TALLEST = 620;
/** The height of the buttons above the drawing. */
const TOOLS = 44;

export function Graph({ graph, chosen, line, higher, onOpen }) {
  const box = useRef(null);
  const [size, setSize] = useState({ width: 800, height: 400 });
  const [view, setView] = useState(null);
  const [focused, setFocused] = useState(chosen);
  const onLine = useMemo(() => new Set(line), [line]);
  const shades = useMemo(() => shadesOf(graph.nodes, higher), [graph, higher]);
  useLayoutEffect(() => {
    const measured = new ResizeObserver(([entry]) => {
      const { width } = entry.contentRect;
      setSize({ width, height: Math.min(Math.max(graph.height + 20, 180), TALLEST, innerHeight * 0.7) });
    });
    measured.observe(box.current);
    return () => measured.disconnect();
  }, [graph]);
  const shown = view ?? firstView(graph, chosen, size);
  const zoom = (factor, at = [size.width / 2, size.height / 2]) => setView(zoomed(shown, factor, at));
  const usesPointer = usePointers(box, shown, setView);
  const show = (node) => {
    setFocused(node.id);
    setView(within(shown, node, size));
    box.current.querySelector(`[data-id="${node.id}"]`)?.focus({ preventScroll: true });
  };
  const onKeyDown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const zooms = { "+": STEP, "=": STEP, "-": 1 / STEP };
    const node = graph.nodes.find(({ id }) => id === focused) ?? graph.nodes[0];
    if (zooms[event.key]) zoom(zooms[event.key]);
    else if (event.key === "0") setView(fitted(graph, size));
    else if (DIRECTIONS[event.key]) {
      const next = neighbour(graph.nodes, node, DIRECTIONS[event.key]);
      if (next) show(next);
    } else if (event.key === "Enter" || event.key === " ") onOpen(node.id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<div class="lineage" ref=${box}>
    <svg width=${size.width} height=${size.height} class="lineage-drawing" role="group" onKeyDown=${onKeyDown}
      aria-label="${graph.nodes.length} networks and their descent; arrows move, Enter opens" ...${usesPointer}>
      <g transform="translate(${shown.x} ${shown.y}) scale(${shown.scale})">
        ${graph.edges.map((edge) => html`<path key="${edge.parent} ${edge.child}" d=${curve(edge.points, graph.isDown)}
          class=${`edge ${edge.first ? "" : "second"} ${onLine.has(edge.parent) && onLine.has(edge.child) && edge.first ? "on-line" : ""}`} />`)}
        ${graph.nodes.map((node) => html`<${Node} key=${node.id} node=${node} shade=${shades.get(node.id)} isChosen=${node.id === chosen}
          isOnLine=${onLine.has(node.id)} isFocused=${node.id === focused} isSmall=${shown.scale < 0.3} onFocus=${() => setFocused(node.id)}
          onOpen=${() => onOpen(node.id)} />`)}
      </g>
    </svg>
    <div class="lineage-tools">
      <${Button} class="small" aria-label="zoom in" onClick=${() => zoom(STEP)}>+<//>
      <${Button} class="small" aria-label="zoom out" onClick=${() => zoom(1 / STEP)}>−<//>
      <${Button} class="small" onClick=${() => setView(fitted(graph, size))}>All<//>
    </div>
  </div>`;
}

function Node({ node, shade, isChosen, isOnLine, isFocused, isSmall, onFocus, onOpen }) {
  const value = typeof node.value === "number" ? figure(node.value) : CAUSES[node.status] ?? node.status;
  const label = `candidate ${node.id}, ${value}, ${node.operator}${node.parents.length ? `, child of ${node.parents.join(" and ")}` : ""}`;
  const made = node.operator.length > 18 ? `${node.operator.slice(0, 17)}…` : node.operator;
  return html`<g data-id=${node.id} class=${`node ${isChosen ? "chosen" : ""} ${isOnLine ? "on-line" : ""}`} role="button" aria-label=${label}
    tabindex=${isFocused ? 0 : -1} transform="translate(${node.x - NODE.width / 2} ${node.y - NODE.height / 2})" onFocus=${onFocus} onClick=${onOpen}>
    <title>${label}</title>
    <rect width=${NODE.width} height=${NODE.height} rx="7" />
    <rect class="shade" width="5" height=${NODE.height - 12} x="6" y="6" rx="2.5" style=${{ opacity: shade }} />
    ${!isSmall && html`<text x="19" y="19" class="name">#${node.id}</text>
      <text x=${NODE.width - 10} y="19" text-anchor="end" class="value">${value}</text>
      <text x="19" y="36" class="made">${made}</text>`}
  </g>`;
}

/** How full the mark of each network is: the best has 1, the worst and those without a value little. */
function shadesOf(nodes, higher) {
  const ranked = nodes.filter(({ value }) => typeof value === "number").sort((one, other) => (higher ? one.value - other.value : other.value - one.value));
  return new Map(ranked.map(({ id }, index) => [id, 0.15 + (0.85 * (index + 1)) / ranked.length]));
}

/** A smooth line through the bends that dagre found. */
function curve(points, isDown) {
  const [first, ...rest] = points;
  let at = first;
  return `M${first.x} ${first.y}${rest.map((point) => {
    const bends = isDown ? `${at.x} ${(at.y + point.y) / 2} ${point.x} ${(at.y + point.y) / 2}` : `${(at.x + point.x) / 2} ${at.y} ${(at.x + point.x) / 2} ${point.y}`;
    at = point;
    return `C${bends} ${point.x} ${point.y}`;
  }).join("")}`;
}

const bounded = (scale) => Math.min(Math.max(scale, FARTHEST), CLOSEST);

/** All of it. */
function fitted(graph, { width, height }) {
  const scale = bounded(Math.min(width / graph.width, height / graph.height, 1));
  return { scale, x: (width - scale * graph.width) / 2, y: (height - scale * graph.height) / 2 };
}

function firstView(graph, chosen, size) {
  const whole = fitted(graph, size);
  if (whole.scale >= READABLE) return whole;
  const node = graph.nodes.find(({ id }) => id === chosen) ?? graph.nodes[0];
  const scale = 0.85;
  // The candidate stands where its ancestors have place.
  const [x, y] = graph.isDown ? [0.5, 0.85] : [0.85, 0.5];
  return { scale, x: filling(size.width * x - scale * node.x, size.width, scale * graph.width),
    y: filling(size.height * y - scale * node.y, size.height, scale * graph.height, TOOLS) };
}

/** `offset` so that a drawing of `length` fills `span` below a margin, or stands in its middle if it is shorter. */
const filling = (offset, span, length, margin = 0) =>
  (length < span ? (span - length) / 2 : Math.min(Math.max(offset, span - length), margin));

function zoomed({ scale, x, y }, factor, [atX, atY]) {
  const next = bounded(scale * factor);
  const by = next / scale;
  return { scale: next, x: atX - by * (atX - x), y: atY - by * (atY - y) };
}

/** The view moved as little as shows `node`. */
function within(view, node, { width, height }) {
  const moved = (at, half, span) => {
    const low = half * view.scale + 10 - at;
    const high = span - half * view.scale - 10 - at;
    return low > 0 ? low : high < 0 ? high : 0;
  };
  const [x, y] = [view.x + view.scale * node.x, view.y + view.scale * node.y];
  return { ...view, x: view.x + moved(x, NODE.width / 2, width), y: view.y + moved(y, NODE.height / 2, height) };
}

const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The nearest network in a direction. */
function neighbour(nodes, from, [right, down]) {
  let best = null;
  let least = Infinity;
  for (const node of nodes) {
    const [x, y] = [node.x - from.x, node.y - from.y];
    const along = x * right + y * down;
    const across = Math.abs(x * down) + Math.abs(y * right);
    if (along > 1 && along + 2 * across < least) [best, least] = [node, along + 2 * across];
  }
  return best;
}

/** Handlers that move by dragging and zoom by pinching; the wheel zooms with Ctrl, as a page is scrolled without. */
function usePointers(box, view, setView) {
  const latest = useRef(view);
  latest.current = view;
  const held = useRef(new Map());
  const moved = useRef(0);
  useEffect(() => {
    const drawing = box.current.querySelector("svg");
    const onWheel = (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const { left, top } = drawing.getBoundingClientRect();
      setView(zoomed(latest.current, Math.exp(-event.deltaY / 300), [event.clientX - left, event.clientY - top]));
    };
    // Not by attribute: only a listener that is not passive can keep the page from being zoomed.
    drawing.addEventListener("wheel", onWheel, { passive: false });
    return () => drawing.removeEventListener("wheel", onWheel);
  }, []);
  const placeOf = (event) => {
    const { left, top } = box.current.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  return {
    onPointerDown: (event) => {
      if (event.button !== 0) return;
      if (held.current.size === 0) moved.current = 0;
      held.current.set(event.pointerId, placeOf(event));
    },
    onPointerMove: (event) => {
      const before = held.current.get(event.pointerId);
      if (!before) return;
      const now = placeOf(event);
      const [x, y] = [now[0] - before[0], now[1] - before[1]];
      moved.current += Math.hypot(x, y);
      // Once it is a drag, it goes on outside of the drawing, too.
      if (moved.current > 4) event.currentTarget.setPointerCapture(event.pointerId);
      const other = [...held.current].find(([id]) => id !== event.pointerId)?.[1];
      held.current.set(event.pointerId, now);
      const { current } = latest;
      if (other) {
        const factor = distance(now, other) / Math.max(distance(before, other), 1);
        setView(zoomed(current, factor, [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]));
      } else {
        setView({ ...current, x: current.x + x, y: current.y + y });
      }
    },
    onPointerUp: (event) => held.current.delete(event.pointerId),
    onPointerCancel: (event) => held.current.delete(event.pointerId),
    // A press that has moved the drawing is none on a network.
    onClickCapture: (event) => moved.current > 4 && event.stopPropagation(),
  };
}

const distance = ([x, y], [otherX, otherY]) => Math.hypot(x - otherX, y - otherY);
