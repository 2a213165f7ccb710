// By how much entrants differ, each difference with its interval.
import { breakable, choice, h } from "./dom.js";
import { decimals, fixed, signed } from "./format.js";

const POSITIVE = { true: "Positive is better.", false: "Negative is better.", null: "Neither sign is better." };

export function pairSection(table, everyone, labels, metric) {
  const heading = h("h2", { id: "pairs" }, "Differences between entrants");
  const number = table.ranking(labels, metric).number;
  const found = (table.board.values.differences ?? []).filter((one) => one.ranking === number);
  const box = h("div", {});
  const section = (...parts) => h("section", { "aria-labelledby": "pairs" }, heading, ...parts);
  if (!metric.primary) return section(h("p", { class: "quietly" }, `Entrants are compared only by ${table.primary.metric}, the metric that ranks.`));
  if (!found.length) return section(h("p", { class: "quietly" }, "There are fewer than two entrants to compare here."));
  const show = (condition) => box.replaceChildren(matrix(everyone, found.find((one) => one.condition === condition), table.labelText(labels), metric));
  show(found[0].condition);
  return section(choice("Under", found.map(({ condition }) => [condition, condition]), found[0].condition, show), box);
}

function matrix(everyone, { order, pairs, condition, detectable }, labels, metric) {
  const known = new Map();
  for (const [a, b, difference, low, high, paired] of pairs) {
    known.set(`${a} ${b}`, { difference, low, high, paired });
    known.set(`${b} ${a}`, { difference: -difference, low: -high, high: -low, paired });
  }
  const cell = (a, b) => {
    if (a === b) return h("td", { class: "self" }, "·");
    const pair = known.get(`${a} ${b}`);
    if (!pair) return h("td", { class: "self" }, "–");
    const digits = decimals(pair.high - pair.low);
    const [low, high] = [pair.low, pair.high].map((bound) => signed(bound, digits));
    return h("td", { class: "number", title: `${everyone[a].name} minus ${everyone[b].name}` },
      signed(pair.difference, digits), pair.paired ? null : " ~", h("small", {}, ` ${low} to ${high}`));
  };
  const rough = pairs.some((pair) => !pair[5]);
  const count = everyone.filter((one) => one.by.get(condition)?.state === "done").length;
  const notes = [
    "These differences are exploratory: among many intervals some exclude zero by chance.",
    detectable === null ? "" : `The median comparison would find a true difference four times in five if it were at least ${fixed(detectable, decimals(detectable))}.`,
    rough ? "~: from the intervals alone, as if the scenes were different; a paired comparison is more sensitive." : "Paired on the same test scenes; intervals include seeds.",
    count > order.length ? `The best ${order.length} of ${count} are shown.` : "",
  ];
  return h("div", {},
    h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": `Differences under ${condition}` },
      h("table", { class: "pairs" },
        h("caption", {}, h("span", {}, `Row minus column, ${metric.metric} under ${condition}, ${labels} labels, with 95 % intervals. ${POSITIVE[metric.up]}`)),
        h("thead", {}, h("tr", {}, h("td", {}), order.map((place, index) => h("th", { scope: "col", title: everyone[place].name }, h("span", { class: "hidden" }, `${everyone[place].name} `), String(index + 1))))),
        h("tbody", {}, order.map((a, index) => h("tr", {}, h("th", { scope: "row" }, `${index + 1}  `, breakable(everyone[a].name)), order.map((b) => cell(a, b))))))),
    h("p", { class: "quietly" }, notes.filter(Boolean).join(" ")));
}
