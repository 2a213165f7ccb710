// Vega-Lite in the page's own colours, drawn when it comes into sight.
import { byId, h, VEGA_SHAPES } from "./dom.js";

export const MOST = VEGA_SHAPES.length;
const COLOURS = VEGA_SHAPES.map((_, index) => `var(--c${index})`);

const CONFIG = {
  background: "transparent",
  font: getComputedStyle(document.body).fontFamily, // by its name: "inherit" cannot be measured
  view: { stroke: "transparent" },
  axis: {
    labelColor: "var(--soft)", titleColor: "var(--ink)", gridColor: "var(--line)", domainColor: "var(--line)", tickColor: "var(--line)",
    labelFontSize: 12, titleFontSize: 12, titleFontWeight: 500, labelLimit: 170, gridOpacity: 0.9, titlePadding: 10,
  },
};

const waiting = new Map();
const watcher = new IntersectionObserver((seen) => {
  for (const one of seen) if (one.isIntersecting) draw(one.target);
}, { rootMargin: "300px" });

addEventListener("beforeprint", () => [...waiting.keys()].forEach(draw));

async function draw(element) {
  const spec = waiting.get(element);
  if (!spec) return;
  waiting.delete(element);
  watcher.unobserve(element);
  if (!element.isConnected) return;
  const options = { ast: true, renderer: "svg", actions: false, defaultStyle: false, tooltip: showTip };
  const { view } = await window.vegaEmbed(element, spec, options);
  element.dataset.drawn = "yes";
  // What the drawing says stands in its caption and table; its parts would be read one by one.
  const svg = element.querySelector("svg");
  svg.setAttribute("aria-hidden", "true");
  svg.querySelectorAll("[role],[aria-label],[aria-roledescription]").forEach((part) => {
    for (const name of ["role", "aria-label", "aria-roledescription"]) part.removeAttribute(name);
  });
  new ResizeObserver(() => { if (element.isConnected && element.clientWidth) view.resize().runAsync(); }).observe(element);
}

function showTip(_, event, __, value) {
  const tip = byId("tip");
  tip.hidden = !value;
  if (!value) return;
  const entries = typeof value === "object" ? Object.entries(value) : [["", value]];
  tip.replaceChildren(...entries.map(([name, its]) => h("div", {}, name ? h("b", {}, `${name} `) : null, String(its))));
  const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  tip.style.left = `${Math.max(8, x)}px`;
  tip.style.top = `${Math.max(8, Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8))}px`;
}

// The figure of a plot: drawing, caption, and its numbers as a table that can be opened.
export function figure({ spec, title, caption, header, rows }) {
  const drawing = h("div", { class: "drawing" });
  waiting.set(drawing, { $schema: "https://vega.github.io/schema/vega-lite/v6.json", width: "container", config: CONFIG, ...spec });
  queueMicrotask(() => watcher.observe(drawing));
  const table = h("details", { class: "numbers" }, h("summary", {}, "The numbers"));
  table.addEventListener("toggle", () => {
    if (table.open && table.childElementCount === 1) table.append(plainTable(header, rows()));
  });
  return h("figure", {}, h("h3", {}, title), drawing, h("figcaption", {}, caption), table);
}

export function plainTable(header, rows, label = "Numbers") {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    h("table", { class: "plain" }, h("thead", {}, h("tr", {}, header.map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, index) => h(index ? "td" : "th", index ? {} : { scope: "row" }, cell)))))));
}

export function colour(names) {
  return {
    field: "entrant", type: "nominal", legend: null,
    scale: { domain: names, range: COLOURS },
  };
}

export function shape(names) {
  return { field: "entrant", type: "nominal", legend: null, scale: { domain: names, range: VEGA_SHAPES } };
}
