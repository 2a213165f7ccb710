// Elements from values. Text reaches the page as text nodes only, so that no record can be markup.

export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, its] of Object.entries(value)) element.style.setProperty(key, its);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

export function say(text) {
  byId("said").textContent = text;
}

export function choice(label, options, chosen, change) {
  const id = `choice-${(choice.count = (choice.count ?? 0) + 1)}`;
  const select = h("select", { id, onchange: () => change(select.value) });
  for (const [value, text] of options) select.append(h("option", { value, selected: String(value) === String(chosen) }, text));
  return h("div", { class: "control" }, h("label", { for: id }, label), select);
}

const SVG = "http://www.w3.org/2000/svg";
const SHAPES = [
  "M6 2a4 4 0 1 0 .01 0z", "M2.4 2.4h7.2v7.2H2.4z", "M6 1l5 5-5 5-5-5z", "M6 1.5l5 8.5H1z",
  "M4.5 1h3v3.5H11v3H7.5V11h-3V7.5H1v-3h3.5z", "M6 10.5L1 2h10z", "M2 1l8.5 5L2 11z", "M10 1v10L1.5 6z",
];
export const VEGA_SHAPES = ["circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "triangle-right", "triangle-left"];

export function swatch(index) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 12 12");
  svg.setAttribute("class", "swatch");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SHAPES[index % SHAPES.length]);
  path.setAttribute("fill", `var(--c${index % SHAPES.length})`);
  svg.append(path);
  return svg;
}

const SHORT = new Map(); // names of encoders that have a shorter one

export function setShort(names) {
  SHORT.clear();
  for (const [name, its] of Object.entries(names)) SHORT.set(name, its);
}

// The name of an entrant with the short name of its encoder, where there is one.
export function shortened(label) {
  const [first, ...rest] = label.split(" + ");
  return [SHORT.get(first) ?? first, ...rest].join(" + ");
}

// A name breaks after its punctuation rather than within a word.
export function breakable(text) {
  return text.split(/(?<=[:,=])/).flatMap((part, index) => (index ? [h("wbr"), part] : [part]));
}

export function nameNodes(label) {
  const [first, ...rest] = shortened(label).split(" + ");
  return [h("strong", {}, breakable(first)), rest.length ? h("small", {}, ` + ${rest.join(" + ")}`) : null];
}

export function entrantLink(label) {
  return h("a", { class: "name", title: shortened(label) === label ? null : label, href: `#/entrant/${encodeURIComponent(label)}` }, nameNodes(label));
}

export function stateChip(state) {
  return h("span", { class: `chip ${["done", "failed", "undefined", "incompatible", "absent"].includes(state) ? state : "failed"}` }, state);
}
