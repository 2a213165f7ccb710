// What is compared, how it stands, and who leads.
import { entrantLink, h, stateChip } from "./dom.js";
import { count, fixed, intervalText, plural } from "./format.js";
import { labelText, nameOf } from "./board.js";
import { sortableTable } from "./table.js";
import { standings } from "./ranking.js";

export function overview(board) {
  const { counts } = board.values;
  const tasks = [...new Set(board.tables.map((table) => table.task))];
  const conditions = new Set(board.rows.map((row) => row.test_condition));
  const facts = [
    [count(board.entrants.length), board.entrants.length === 1 ? "entrant" : "entrants"],
    [count(tasks.length), tasks.length === 1 ? "task" : "tasks"],
    [count(conditions.size), conditions.size === 1 ? "observing condition" : "observing conditions"],
    [count(counts.scenes), "test scenes at most"],
    [count(counts.records), "records"],
  ];
  return h("div", {},
    h("p", { class: "kicker" }, "Leaderboard"),
    h("h1", {}, board.name),
    h("p", { class: "lede" }, "Which vision model is better for strong lensing, where it breaks, and whether that can be believed. ",
      "Every value stands with its 95 % interval; every entrant saw the same test scenes under every condition."),
    knownOf(board),
    h("dl", { class: "tiles" }, facts.map(([number, name]) => h("div", {}, h("dt", {}, name), h("dd", {}, number)))),
    states(counts),
    h("h2", {}, "Who leads"),
    h("div", { class: "cards" }, board.tables.map(card)),
    aggregate(board));
}

function knownOf(board) {
  const said = Object.entries(board.values.trust);
  if (board.budget !== null) said.push(["budget", board.budget]);
  return said.length ? h("dl", { class: "facts inline" }, said.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))) : null;
}

function states(counts) {
  const parts = ["done", "failed", "incompatible"].map((state) => [state, counts[`cells_${state}`] ?? 0]).filter(([, number]) => number);
  const total = parts.reduce((sum, [, number]) => sum + number, 0);
  return h("div", { class: "states" },
    h("div", { class: "bar", "aria-hidden": "true" }, parts.map(([state, number]) => h("span", { class: state, style: { "flex-grow": number } }))),
    h("p", {}, `${plural(total, "cell")}: `, parts.map(([state, number]) => [h("span", { class: "count" }, stateChip(state), ` ${count(number)} `)]), h("a", { href: "#/states" }, "What has no value, and why")));
}

function card(table) {
  const metric = table.primary;
  const labels = table.labels[0];
  const list = standings(table, labels, metric).filter((one) => one.atHome);
  const { task, brief } = table.title;
  const [best, ...others] = list;
  const robust = list.filter((one) => one.worst).sort((a, b) => (metric.up ? b.worst.value - a.worst.value : a.worst.value - b.worst.value))[0];
  const rival = best?.baseline ? others.find((one) => !one.baseline) : others.find((one) => one.baseline);
  return h("article", { class: "card" },
    h("h3", {}, h("a", { href: table.address }, task)),
    h("p", { class: "quietly" }, `${brief}${labels === null ? "" : `, ${labelText(labels)} labels`}`),
    best ? h("dl", {},
      line("Leads", best, best.atHome, metric),
      robust ? line(`Best at its worst (${robust.worst.test_condition})`, robust, robust.worst, metric) : null,
      rival ? line(best.baseline ? "Best encoder" : "Best traditional method", rival, rival.atHome, metric) : null)
      : h("p", {}, "No entrant has a value yet."),
    h("p", { class: "go" }, h("a", { href: table.address }, `All ${plural(new Set(table.rows.map(nameOf)).size, "entrant")}`, h("span", { class: "hidden" }, ` of ${task}, ${brief}`))));
}

function line(word, one, row, metric) {
  return h("div", {}, h("dt", {}, word), h("dd", {}, entrantLink(one.entrant), one.note ? h("small", {}, one.note) : null,
    h("span", { class: "score" }, `${metric.metric} ${intervalText(row)}${metric.unit ? ` ${metric.unit}` : ""}`)));
}

function aggregate(board) {
  const found = board.values.aggregate;
  if (!found?.rows.length) return null;
  const bar = (value) => (value === null ? "–" : h("span", { class: "level", style: { "--part": `${Math.round(100 * Math.min(1, Math.max(0, value)))}%` } }, fixed(value, 3)));
  const score = (row) => (row.n === row.expected ? bar(row.mean) : h("small", {}, row.mean === null ? "–" : `${fixed(row.mean, 3)} (${row.n} of ${row.expected})`));
  const columns = [
    { label: "Entrant", heading: true, value: (row) => row.entrant + row.note, cell: (row) => [entrantLink(row.entrant), row.note ? h("small", {}, row.note) : null] },
    { label: "Score", number: true, up: true, value: (row) => (row.n === row.expected ? row.mean : null), cell: (row) => score(row), title: "Mean over tables" },
    { label: "Worst condition", number: true, up: true, value: (row) => row.worst, cell: (row) => (row.worst === null ? "–" : fixed(row.worst, 3)), title: "Mean over tables of the worst condition" },
    { label: "Gap", number: true, value: (row) => row.gap, cell: (row) => (row.gap === null ? "–" : fixed(row.gap, 3)), title: "Training condition less the worst" },
    ...found.tables.map((name, index) => ({ label: name, number: true, up: true, value: (row) => row.parts[index], cell: (row) => bar(row.parts[index]) })),
  ];
  return h("section", {},
    h("h2", {}, "Over all tasks"),
    h("p", { class: "quietly" }, found.note),
    sortableTable({ columns, rows: found.rows, sortBy: 1, label: "Scores over all tasks", caption: null }).element);
}
