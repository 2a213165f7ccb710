// The entrants of a ranking as the page came with them: nothing is computed here.
import { hasValue, nameOf } from "./board.js";

export function standings(table, labels, metric) {
  const ranking = table.ranking(labels, metric);
  if (!ranking) return [];
  const { rows } = table.board;
  return ranking.standings.map((one) => {
    const first = rows[one.first];
    const by = new Map(ranking.conditions.map((name, index) => [name, rows[one.rows[index]] ?? null]));
    const byLabel = (cells) => new Map(ranking.columns.map((column, index) => [table.board.values.columns[column].label, cells[index]]));
    return {
      name: nameOf(first), entrant: first.entrant, note: first.adapted + first.pretrained, first, by, place: one.place,
      atHome: hasValue(by.get(ranking.conditions[0])) ? by.get(ranking.conditions[0]) : null, worst: rows[one.worst] ?? null,
      values: byLabel(one.values), texts: byLabel(one.texts), baseline: Boolean(first.baseline),
      states: new Set([...by.values()].map((row) => row?.state ?? "absent")),
    };
  });
}

// What the ranking shows beside the conditions, as `sortableTable` takes it.
export function rankingColumns(table, labels, metric) {
  const ranking = table.ranking(labels, metric);
  return ranking.columns.map((number) => {
    const { label, meaning, descending } = table.board.values.columns[number];
    return { label: label[0].toUpperCase() + label.slice(1), title: meaning, number: true, up: descending ?? metric.up, value: (one) => one.values.get(label), cell: (one) => one.texts.get(label) };
  });
}

// What is said of the direction of a metric: a signed bias or a coverage has none.
export function direction(metric) {
  if (metric.up === null) return "neither higher nor lower is better";
  return `${metric.up ? "higher" : "lower"} is better`;
}
