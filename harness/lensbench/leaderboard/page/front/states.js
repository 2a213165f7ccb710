// Cells without a value, and why: failed, undefined, incompatible and absent are four things.
import { choice, entrantLink, h, stateChip } from "./dom.js";
import { plural } from "./format.js";
import { labelText } from "./board.js";
import { standings } from "./ranking.js";
import { sortableTable } from "./table.js";

const MEANINGS = [
  ["done", "A value, with its interval."],
  ["failed", "The computation ended in the error shown. Nothing is imputed."],
  ["undefined", "The cell was computed, but the metric has no finite value on these scenes."],
  ["incompatible", "Its parts do not fit together, so it was not run."],
  ["absent", "It was not run, although other entrants of the table have a value here."],
];

export function statesPage(board) {
  const rows = board.tables.flatMap(missing);
  const columns = [
    { label: "State", value: (row) => row.state, cell: (row) => stateChip(row.state) },
    { label: "Entrant", heading: true, value: (row) => row.name, cell: (row) => [entrantLink(row.entrant), row.note ? h("small", {}, row.note) : null] },
    { label: "Task", value: (row) => row.table.task, cell: (row) => h("a", { href: row.table.address }, row.table.task) },
    { label: "Labels", value: (row) => row.labels ?? Infinity, cell: (row) => labelText(row.labels), number: true },
    { label: "Conditions", value: (row) => row.conditions.length, cell: (row) => row.conditions.join(", ") },
    { label: "Why", value: (row) => row.why, cell: (row) => h("span", { class: "why" }, row.why) },
  ];
  const made = sortableTable({ caption: null, columns, rows, sortBy: 0, sortUp: false, label: "What has no value" });
  const kinds = [...new Set(rows.map((row) => row.state))].sort();
  return h("div", {},
    h("p", { class: "kicker" }, "States"), h("h1", {}, "Cells without a value, and why"),
    h("dl", { class: "facts" }, MEANINGS.map(([state, meaning]) => h("div", {}, h("dt", {}, stateChip(state)), h("dd", {}, meaning)))),
    rows.length ? [kinds.length > 1 ? h("div", { class: "controls" }, choice("State", [["", "all"], ...kinds.map((one) => [one, one])], "", (state) => made.filter((row) => !state || row.state === state))) : null, made.element]
      : h("p", {}, "Every cell of this board has a value."),
    rows.length ? h("p", { class: "quietly" }, plural(rows.length, "row")) : null);
}

function missing(table) {
  const found = new Map();
  const add = ({ name, entrant, note }, labels, state, condition, why) => {
    const key = JSON.stringify([name, labels, state, why]);
    if (!found.has(key)) found.set(key, { name, entrant, note, labels, state, why, table, conditions: [] });
    found.get(key).conditions.push(condition);
  };
  for (const labels of table.labels) {
    for (const one of standings(table, labels, table.primary)) {
      for (const [condition, row] of one.by) {
        if (row?.state !== "done") add(one, labels, row?.state ?? "absent", condition, row?.error ?? "no record");
      }
    }
  }
  return [...found.values()];
}
