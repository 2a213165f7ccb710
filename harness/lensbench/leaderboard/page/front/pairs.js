// Who is better than whom, and whether it can be said.
import { choice, h } from "./dom.js";
import { decimals, signed } from "./format.js";
import { labelText } from "./board.js";
import { apart, holm, order, pOfZ } from "./ranking.js";

const LEVEL = 0.05;
const MOST_SHOWN = 12;

// Paired comparisons that came with the page, of this table under this condition; none where
// the predictions were not at hand.
function paired(table, labels, metric, condition) {
  const found = (table.board.values.pairs ?? []).find((one) =>
    one.metric === metric.metric && one.condition === condition && one.labels === labels &&
    Object.entries(table.facts).every(([name, value]) => one.table[name] === value));
  if (!found) return null;
  const known = new Map();
  for (const [a, b, difference, low, high, adjusted] of found.pairs) {
    known.set(JSON.stringify([a, b]), { difference, low, high, adjusted });
    known.set(JSON.stringify([b, a]), { difference: -difference, low: -high, high: -low, adjusted });
  }
  return { known, note: "Paired on the same test scenes, seeds counted. " };
}

function unpaired(list) {
  const pairs = [];
  list.forEach((a, index) => list.slice(index + 1).forEach((b) => {
    const z = apart(a.row, b.row);
    if (z !== null) pairs.push({ a: a.one.key, b: b.one.key, difference: a.row.value - b.row.value, p: pOfZ(z) });
  }));
  const known = new Map();
  for (const pair of holm(pairs)) {
    known.set(JSON.stringify([pair.a, pair.b]), pair);
    known.set(JSON.stringify([pair.b, pair.a]), { ...pair, difference: -pair.difference });
  }
  const note = "From the intervals alone, taken as normal, for the predictions were not at hand: it ignores that the scenes are the same, so it sees less than a paired comparison would. ";
  return { known, note };
}

export function pairSection(table, everyone, labels, metric) {
  const box = h("div", {});
  const show = (condition) => box.replaceChildren(matrix(table, everyone, labels, metric, condition));
  show(table.homeOrFirst());
  const control = choice("Under", table.conditions.map((name) => [name, name]), table.homeOrFirst(), show);
  return h("section", { "aria-labelledby": "pairs" }, h("h2", { id: "pairs" }, "Who is better than whom"), control, box);
}

function matrix(table, everyone, labels, metric, condition) {
  const list = everyone.map((one) => ({ one, row: one.by.get(condition) }))
    .filter(({ row }) => row?.state === "done" && row.value !== null)
    .sort((a, b) => order(a.row.value, b.row.value, metric.up));
  const shown = list.slice(0, MOST_SHOWN);
  if (shown.length < 2) return h("p", { class: "quietly" }, "There are not two entrants to compare here.");
  const { known, note } = paired(table, labels, metric, condition) ?? unpaired(shown);
  const cell = (a, b) => {
    if (a === b) return h("td", { class: "self" }, "·");
    const pair = known.get(JSON.stringify([a.one.key, b.one.key]));
    if (!pair) return h("td", { class: "tie" }, "–");
    const wins = (pair.difference > 0) === metric.up;
    const sure = metric.up !== null && pair.adjusted < LEVEL;
    const word = sure ? (wins ? "better" : "worse") : "tie";
    const width = pair.high !== undefined ? pair.high - pair.low : Math.max(a.row.high - a.row.low, 0);
    return h("td", { class: `number ${word}`, title: `${a.one.name} minus ${b.one.name}: ${word}, p = ${pair.adjusted.toPrecision(2)}` },
      signed(pair.difference, decimals(width)), h("small", {}, sure ? (wins ? " ▲" : " ▼") : " ≈"), h("span", { class: "hidden" }, ` ${word}`));
  };
  const left = list.length - shown.length;
  return h("div", {},
    h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Pairwise comparisons" },
      h("table", { class: "pairs" },
        h("caption", {}, h("span", {}, `Row minus column, ${metric.metric} under ${condition}, ${labelText(labels)} labels. ▲ better, ▼ worse, ≈ cannot be told apart at ${LEVEL}.`)),
        h("thead", {}, h("tr", {}, h("td", {}), shown.map(({ one }, index) => h("th", { scope: "col", title: one.name }, h("span", { class: "hidden" }, `${one.name} `), String(index + 1))))),
        h("tbody", {}, shown.map((a, index) => h("tr", {}, h("th", { scope: "row" }, `${index + 1}  `, a.one.name), shown.map((b) => cell(a, b))))))),
    h("p", { class: "quietly" }, note, "Corrected for the number of comparisons.", left > 0 ? ` The best ${MOST_SHOWN} of ${list.length} are shown.` : ""));
}
