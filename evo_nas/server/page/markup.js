/**
 * Drawings (SVG) and equations (MathML) of evo-nas as elements of the page.
 *
 * Text from the service is never parsed as HTML: it is read as XML, and only elements and attributes that draw are made
 * from it, so that a name within a drawing can do nothing.
 */
import { html, useMemo } from "./html.js";
import { h } from "./vendor/preact.js";

const SVG = new Set(["svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "title", "desc"]);
const MATH = new Set(["math", "mrow", "mi", "mo", "mn", "mtext", "mspace", "msub", "msup", "msubsup", "mfrac", "msqrt", "mover", "munder",
  "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded"]);
/** Attributes that place and colour, and none that loads, runs or is a property of an element, such as `innerHTML`. */
const DRAWS = new RegExp("^(d|[xy][12]?|[cdr][xy]|r|points|width|height|viewBox|transform|fill(-[a-z]+)?|stroke(-[a-z]+)*|opacity|paint-order"
  + "|font-[a-z]+|text-anchor|dominant-baseline|letter-spacing|role|aria-[a-z]+|align|column[a-z]+|row[a-z]+|display|displaystyle|mathvariant"
  + "|stretchy|fence|separator|accent|lspace|rspace|linethickness|scriptlevel|xml:space)$");

/** A drawing; its `label` is for those who do not see it. */
export function Drawing({ svg, label, class: name = "" }) {
  const drawn = useMemo(() => parsed(svg, SVG), [svg]);
  if (!drawn) return null;
  drawn.props.role = "img";
  drawn.props["aria-label"] = label;
  return html`<div class="drawing ${name}" tabindex="0" role="group" aria-label=${label}>${drawn}</div>`;
}

/** Equations in MathML. */
export function Equations({ mathml }) {
  const drawn = useMemo(() => parsed(mathml, MATH), [mathml]);
  return html`<div class="equations" tabindex="0" role="group" aria-label="equations">${drawn}</div>`;
}

/** What a table of equations needs of styles; the policy of the page forbids them in markup, so that it becomes a class. */
const ALIGNED = / style="text-align: (left|right|center)"/g;

function parsed(text, allowed) {
  const source = (text ?? "").replace(ALIGNED, ' align="$1"').replace(/ style="[^"]*"/g, "");
  const root = new DOMParser().parseFromString(source, "application/xml").documentElement;
  return root.querySelector("parsererror") ? null : elementOf(root, allowed);
}

function elementOf(node, allowed) {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  if (node.nodeType !== Node.ELEMENT_NODE || !allowed.has(node.localName)) return null;
  const attributes = [...node.attributes].filter(({ name }) => DRAWS.test(name))
    .map(({ name, value }) => (name === "align" ? ["class", `to-${value}`] : [name, value]));
  return h(node.localName, Object.fromEntries(attributes), [...node.childNodes].map((child) => elementOf(child, allowed)));
}
