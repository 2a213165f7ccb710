// What is compared, how it stands, and who leads.
import { breakable, entrantLink, h, shortened, stateChip, swatch } from "./dom.js";
import { count, decimals, fixed, intervalText, plural, signed } from "./format.js";
import { labelText, nameOf } from "./board.js";
import { colour, figure, MOST, shape } from "./plots.js";
import { sortableTable } from "./table.js";
import { standings } from "./ranking.js";

export function overview(board) {
  const { counts } = board.values;
  const tasks = new Set(board.tables.map((table) => table.task)).size;
  const conditions = new Set(board.rows.map((row) => row.test_condition)).size;
  const datasets = new Set(board.tables.map(({ facts }) => facts.test_dataset || facts.dataset));
  return h("div", {},
    h("p", { class: "kicker" }, "Leaderboard"),
    h("h1", {}, board.name),
    board.values.trust.withdrawn ? h("p", { class: "withdrawn" }, h("b", {}, "Withdrawn: "), `${board.values.trust.withdrawn}.`) : null,
    h("p", { class: "lede" }, `${plural(board.entrants.length, "entrant")}, ranked on ${plural(tasks, "task")} under ${plural(conditions, "observing condition")}${datasets.size === 1 ? ` on images of ${[...datasets][0]}` : ""}. ± is the 95 % interval.`),
    h("section", { "aria-label": "Who leads" }, h("ul", { class: "leaders" }, board.values.leaders.map((one) => leader(board, one)))),
    contrasts(board),
    aggregate(board),
    h("h2", {}, "By table"),
    h("div", { class: "cards" }, board.tables.map(card)),
    h("h2", {}, "What the results rest on"),
    h("p", { class: "quietly" }, `${count(counts.records)} records, up to ${count(counts.scenes)} test scenes for a value. Every entrant saw the same test scenes under every condition.`),
    states(counts),
    boardFacts(board));
}

// Who leads a table, and how far between what counts as 0 and as 1.
function leader(board, { ranking, title, score, ends, names, place }) {
  const { table: index, labels, metric: name } = board.values.rankings[ranking];
  const table = board.tables[index];
  const metric = table.metrics.find((one) => one.metric === name);
  const [best] = standings(table, labels, metric);
  const share = 100 * (score ?? 0); // an error of a thousandth is not rounded away
  const scale = score === undefined ? null : h("span", { class: "scale" },
    h("span", { class: "track", style: { "--at": `${Math.round(100 * score)}%` }, "aria-hidden": "true" }),
    h("small", {}, `${names[0]} ${Number(ends[0].toPrecision(3))}`), h("small", {}, `${share.toFixed(share > 99 && share < 100 ? 1 : 0)} % of the way`), h("small", {}, `${names[1]} ${Number(ends[1].toPrecision(3))}`));
  return h("li", {},
    h("a", { class: "task", href: table.address }, title),
    best.atHome ? [entrantLink(best.entrant), best.note ? h("small", {}, best.note) : null, h("span", { class: "score" }, `${metric.metric} ${intervalText(best.atHome)}${metric.unit ? ` ${metric.unit}` : ""}`), place ? h("small", {}, place) : null, scale]
      : h("span", {}, "No entrant has a value yet."));
}

function boardFacts(board) {
  const said = Object.entries(board.values.trust).map(([name, value]) => [name, value]);
  for (const [text, name] of Object.entries(board.values.budgets)) {
    said.push(["budget", text === name ? text : [name, h("details", {}, h("summary", {}, "in full"), h("code", {}, text))]]);
  }
  return h("dl", { class: "facts" }, said.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function states(counts) {
  const parts = ["done", "failed", "incompatible"].map((state) => [state, counts[`cells_${state}`] ?? 0]).filter(([, number]) => number);
  const total = parts.reduce((sum, [, number]) => sum + number, 0);
  return h("div", { class: "states" },
    h("div", { class: "bar", "aria-hidden": "true" }, parts.map(([state, number]) => h("span", { class: state, style: { "flex-grow": number } }))),
    h("p", {}, `${plural(total, "cell")}: `, parts.map(([state, number]) => [h("span", { class: "count" }, stateChip(state), ` ${count(number)} `)]), h("a", { href: "#/states" }, "Cells without a value, and why")));
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
    h("p", { class: "quietly" }, `${brief}${labels === null ? "" : `, ${table.labelText(labels)} labels`}`),
    best ? h("dl", {},
      line("Leads", best, best.atHome, metric),
      robust ? line(`Best under its worst condition (${robust.worst.test_condition})`, robust, robust.worst, metric) : null,
      rival ? line(best.baseline ? "Best encoder" : "Best traditional method", rival, rival.atHome, metric) : null)
      : h("p", {}, "No entrant has a value yet."),
    h("p", { class: "go" }, h("a", { href: table.address }, `All ${plural(new Set(table.rows.map(nameOf)).size, "entrant")}`, h("span", { class: "hidden" }, ` of ${task}, ${brief}`))));
}

function line(word, one, row, metric) {
  return h("div", {}, h("dt", {}, word), h("dd", {}, entrantLink(one.entrant), one.note ? h("small", {}, one.note) : null,
    h("span", { class: "score" }, `${metric.metric} ${intervalText(row)}${metric.unit ? ` ${metric.unit}` : ""}`)));
}

const sides = (row) => [breakable(shortened(row.a)), h("i", {}, " minus "), breakable(shortened(row.b))];

// A text in which `words` are code.
const withCode = (text) => text.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));

// The comparisons that the study declared, which alone are tested for significance.
function contrasts(board) {
  const { rows, note } = board.values.contrasts;
  if (!rows.length) return null;
  const tests = rows.filter((row) => row.difference).length;
  const span = (row) => {
    const [value, low, high] = row.difference;
    const digits = decimals(high - low);
    return [signed(value, digits), h("small", {}, ` ${signed(low, digits)} to ${signed(high, digits)}`)];
  };
  const columns = [
    { label: "Comparison", heading: true, value: (row) => row.question || row.a, cell: (row) => (row.question ? [h("span", {}, withCode(row.question)), h("small", { class: "sides" }, sides(row))] : sides(row)) },
    { label: "Where", value: (row) => row.task, cell: (row) => `${row.task}, ${row.metric}, ${row.condition || "training condition"}${row.test_dataset ? `, ${row.test_dataset}` : ""}${row.labels === "all" ? "" : `, ${row.labels} labels`}` },
    { label: "Difference", number: true, value: (row) => row.difference?.[0] ?? null, cell: (row) => (row.difference ? span(row) : "–") },
    { label: "p", number: true, value: (row) => row.p ?? null, cell: (row) => (row.p === undefined ? "–" : row.p.toPrecision(2)), title: "Two-sided, after Holm's correction" },
    { label: "Detectable", number: true, value: (row) => row.detectable ?? null, cell: (row) => (row.detectable ? row.detectable.toPrecision(2) : "–"), title: "The smallest true difference that would have been found four times in five" },
    { label: "Verdict", value: (row) => row.verdict, cell: (row) => row.verdict },
  ];
  return h("section", {}, h("h2", {}, "Primary contrasts"),
    h("p", { class: "quietly" }, `Declared in the study before it was computed; p is corrected for these ${tests} tests. All other differences on this page are exploratory: they have intervals, but no verdict. ${note}`),
    sortableTable({ columns, rows, sortBy: 0, sortUp: true, label: "Primary contrasts", caption: null, stacks: true }).element);
}

function aggregate(board) {
  const found = board.values.aggregate;
  if (!found?.rows.length) return null;
  const bar = (value) => (value === null ? "–" : h("span", { class: "level", style: { "--part": `${Math.round(100 * value)}%` } }, fixed(value, 3)));
  const within = (bounds, digits) => (bounds ? h("small", {}, ` ${fixed(bounds[0], digits)} to ${fixed(bounds[1], digits)}`) : null);
  const score = (row) => (row.n === row.expected ? [bar(row.mean), within(row.interval, 3)] : [h("small", {}, row.mean === null ? "–" : `${fixed(row.mean, 3)} (${row.n} of ${row.expected})`), within(row.interval, 3)]);
  const ranked = found.rows.some((row) => row.rank !== undefined);
  const columns = [
    { label: "Entrant", heading: true, value: (row) => shortened(row.entrant) + row.note, cell: (row) => [entrantLink(row.entrant), row.note ? h("small", {}, row.note) : null] },
    { label: "Score", number: true, up: true, value: (row) => (row.n === row.expected ? row.mean : row.mean === null ? null : row.mean - 1 - row.expected + row.n), cell: (row) => score(row), title: "Mean over tables; entrants that lack a table come last" },
    ...(ranked ? [{ label: "Mean rank", number: true, value: (row) => row.rank ?? null, cell: (row) => (row.rank === undefined ? "–" : [fixed(row.rank, 1), within(row.rank_interval, 1)]), title: `Over conditions of ${found.compared.join(", ")}` }] : []),
    { label: "Worst condition", number: true, up: true, value: (row) => row.worst, cell: (row) => (row.worst === null ? "–" : fixed(row.worst, 3)), title: "Mean over tables of the worst condition" },
    { label: "Gap", number: true, value: (row) => row.gap, cell: (row) => (row.gap === null ? "–" : fixed(row.gap, 3)), title: "Training condition minus the worst" },
    ...found.tables.map(({ name }, index) => ({ label: name, number: true, up: true, value: (row) => row.parts[index], cell: (row) => bar(row.parts[index]) })),
  ];
  return h("section", {},
    h("h2", {}, "Over all tasks"),
    h("p", { class: "quietly" }, "Each value is placed on a fixed scale from 0 to 1. The score is the mean over conditions and over tables, with all labels. A new entrant changes no other score. A score over some tables cannot be compared with a score over all."),
    sortableTable({ columns, rows: found.rows, sortBy: 1, label: "Scores over all tasks", caption: null }).element,
    h("details", { class: "numbers" }, h("summary", {}, `What counts as 0 and as 1 (anchors, version ${found.version})`),
      h("dl", { class: "facts" }, found.tables.map(({ name, scale }) => h("div", {}, h("dt", {}, name), h("dd", {}, scale)))),
      found.left_out.length ? h("p", {}, `Not part of the score, because their metric has no scale: ${found.left_out.join(", ")}.`) : null),
    ranked ? profiles(found) : null);
}

function profiles(found) {
  const shown = found.rows.filter((row) => row.profile).slice(0, MOST);
  const names = shown.map((row) => shortened(row.entrant) + row.note);
  const data = shown.flatMap((row, index) => row.profile.map((share, step) => ({ entrant: names[index], score: found.levels[step], share })));
  const key = h("ul", { class: "key" }, names.map((name, index) => h("li", {}, swatch(index), h("span", {}, name))));
  return h("div", {}, key, h("div", { class: "figures" }, figure({
    title: "Performance profiles",
    caption: `The share of (table, condition) pairs at which an entrant reaches each score, over ${found.compared.join(", ")}. Higher is better.`,
    spec: {
      height: 260, data: { values: data },
      encoding: { x: { field: "score", type: "quantitative", title: "score", axis: { grid: false } }, y: { field: "share", type: "quantitative", title: "share of pairs" }, color: colour(names) },
      layer: [{ mark: { type: "line", strokeWidth: 2, interpolate: "step-before" } }, { mark: { type: "point", filled: true, size: 25 }, encoding: { shape: shape(names), tooltip: [{ field: "entrant" }, { field: "score" }, { field: "share" }] } }],
    },
    header: ["entrant", ...found.levels.map((level) => fixed(level, 2))],
    rows: () => shown.map((row, index) => [names[index], ...row.profile.map((share) => fixed(share, 2))]),
  })));
}
