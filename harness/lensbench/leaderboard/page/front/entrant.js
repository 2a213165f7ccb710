// All about one entrant: what it is, how it did, where its numbers come from, how to get them again.
import { h, nameNodes, stateChip } from "./dom.js";
import { bytes, count, intervalText, seconds, shellWord } from "./format.js";
import { plainTable } from "./plots.js";
import { standings } from "./ranking.js";

const PARTS = ["encoder", "pretraining", "transfer", "baseline"];

export function entrantPage(board, label) {
  const rows = board.rows.filter((row) => row.entrant === label);
  if (!rows.length) return h("div", {}, h("h1", {}, "No such entrant"), h("p", {}, h("a", { href: "#/" }, "Overview")));
  const tables = board.tables.filter((table) => table.rows.some((row) => row.entrant === label));
  return h("div", {},
    h("p", { class: "kicker" }, rows[0].baseline ? "Traditional method" : "Entrant"),
    h("h1", { class: "long" }, nameNodes(label)),
    h("section", {}, h("h2", {}, "What it is"), parts(board, rows[0])),
    h("section", {}, h("h2", {}, "Results"), tables.map((table) => results(table, label))),
    h("section", {}, h("h2", {}, "Compute these numbers again"), commands(board, tables, label)),
    h("section", {}, h("h2", {}, "Where they were computed"), provenance(rows)));
}

function parts(board, row) {
  return h("dl", { class: "facts" }, PARTS.filter((kind) => row[kind]).map((kind) => {
    const about = board.plugin(kind, row[kind]);
    return h("div", {}, h("dt", {}, kind), h("dd", {}, h("code", {}, row[kind]), about ? h("p", {}, about.summary) : h("p", { class: "quietly" }, "This plugin was not installed where this page was made, so its citation is not known."),
      about ? h("p", { class: "quietly" }, `${about.package} ${about.version} · ${about.licence || "licence not stated"}`, about.citation ? h("cite", {}, ` ${about.citation}`) : null) : null));
  }));
}

function results(table, label) {
  const { task, rest } = table.title;
  const metric = table.primary;
  const lines = table.labels.flatMap((labels) => {
    const everyone = standings(table, labels, metric);
    const ranked = everyone.filter((one) => one.place !== null).length;
    return everyone.filter((one) => one.entrant === label).map((one) => [
      table.labelText(labels) + one.note, one.place === null ? "–" : `${one.place} of ${ranked}`,
      ...table.conditions().map((name) => {
        const row = one.by.get(name);
        if (!row) return stateChip("absent");
        if (row.state !== "done") return [stateChip(row.state), h("small", { class: "why" }, ` ${row.error}`)];
        return row.value === null ? "not finite" : h("span", { "data-value": row.value, title: seedText(table, row) }, intervalText(row));
      }),
      one.texts.get("gap"), seconds(one.values.get("seconds")), bytes(one.first.memory_fit),
    ]);
  });
  return h("div", { class: "result" }, h("h3", {}, h("a", { href: table.address }, task), h("small", {}, ` ${rest}: ${metric.metric}${metric.unit ? ` [${metric.unit}]` : ""}`)),
    plainTable(["labels", "place", ...table.conditions(), "gap", "cost", "memory"], lines, `Results on ${task}`));
}

const seedText = (table, row) => `${row.fits} seeds: ${table.board.seedValues(row).filter((value) => value !== null).map((value) => Number(value.toPrecision(5))).join(", ")}`;

function commands(board, tables, label) {
  const lines = tables.flatMap((table) => table.labels.flatMap((labels) => {
    const row = table.rows.find((one) => one.entrant === label && one.labels === labels);
    return row ? [command(table, row)] : [];
  }));
  return h("div", {}, h("p", {}, "Each command fits it once, with seed 0, and scores it beside the task's baselines. What the store has is not computed again."),
    h("pre", { class: "wrap", tabindex: "0", role: "region", "aria-label": "Commands" }, h("code", {}, lines.map((line) => h("span", {}, `${line}\n`)))),
    board.values.study ? h("details", {}, h("summary", {}, "The whole study: ", h("code", {}, "lensbench sweep study.toml"), ", with this study.toml"), h("pre", { tabindex: "0" }, h("code", {}, board.values.study))) : null);
}

function command(table, row) {
  const given = row.baseline
    ? [["baseline", row.baseline]]
    : [["encoder", row.encoder], ["pretraining", row.pretraining], ["transfer", row.transfer]];
  const away = table.conditions().filter((name) => name !== row.train_condition);
  given.push(["task", row.task], ["dataset", row.dataset], ["train-condition", row.train_condition]);
  if (row.test_dataset !== row.dataset) given.push(["test-dataset", row.test_dataset]);
  if (away.length) given.push(["test-conditions", away.join(",")]);
  if (row.target_view) given.push(["target-condition", row.target_view.split(" ").at(-1)]);
  if (row.labels !== null) given.push(["labels", String(row.labels)]);
  given.push(["budget", row.budget]);
  return `lensbench run ${given.filter(([, value]) => value).map(([name, value]) => `--${name} ${shellWord(value)}`).join(" ")}`;
}

function provenance(rows) {
  const several = (name) => [...new Set(rows.map((row) => row[name]).filter((value) => value !== "" && value !== null))];
  const facts = [["tier", "verified"], ["device", "device"], ["threads", "threads"], ["system", "system"], ["python", "Python"], ["torch", "torch"], ["lensbench", "lensbench"], ["code", "digest of the harness's code"], ["pretraining_views", "pretrained on"], ["parameters", "trainable parameters"]];
  return h("div", {},
    h("dl", { class: "facts" }, facts.map(([name, word]) => [word, several(name)]).filter(([, its]) => its.length).map(([word, its]) => h("div", {}, h("dt", {}, word), h("dd", {}, its.map((one) => (typeof one === "number" ? count(one) : one)).join(", "))))),
    h("details", {}, h("summary", {}, `Keys of its ${several("cell").length} cells`), h("pre", { tabindex: "0" }, h("code", {}, several("cell").join("\n")))));
}
