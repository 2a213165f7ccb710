// The records: unpacked once, grouped into tables, given out as rows.
import { count } from "./format.js";
import { byId, setShort, shortened } from "./dom.js";

export async function unpack(base64) {
  const raw = Uint8Array.from(atob(base64.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

export const unpackFrom = (id) => unpack(byId(id).textContent);

class Row {
  constructor(board, index) {
    this.board = board;
    this.index = index;
  }
}

function defineColumns(values) {
  for (const [name, { words, codes }] of Object.entries(values.texts))
    Object.defineProperty(Row.prototype, name, { configurable: true, get() { return words[codes[this.index]]; } });
  for (const [name, numbers] of Object.entries(values.numbers))
    Object.defineProperty(Row.prototype, name, { configurable: true, get() { return numbers[this.index]; } });
}

export class Board {
  constructor(values) {
    this.values = values;
    defineColumns(values);
    setShort(values.short);
    this.name = values.name;
    this.rows = values.texts.entrant.codes.map((_, index) => new Row(this, index));
    this.metrics = new Map(values.metrics.map((one) => [`${one.task}\n${one.metric}`, one]));
    this.tables = values.tables.map((facts, index) => new Table(this, index, facts));
    const budgets = new Set(this.tables.map((table) => table.facts.budget));
    this.budget = budgets.size === 1 ? [...budgets][0] : null; // of all tables
    this.entrants = [...new Set(this.rows.map((row) => row.entrant))].sort((a, b) => a.localeCompare(b));
  }

  seedValues(row) {
    return this.values.seeds[row.index] || [row.value];
  }

  // Images seen and validation score along one fit of an entrant, whatever condition the row is of.
  curve(one) {
    const row = [...one.by.values()].find((its) => its && this.values.curves[its.cell]);
    return row ? this.values.curves[row.cell] : [];
  }

  plugin(kind, reference) {
    const name = reference.split(":")[0];
    return this.values.plugins.find((one) => one.kind === kind && one.name === name);
  }
}

export class Table {
  constructor(board, index, facts) {
    Object.assign(this, { board, index, facts, task: facts.task });
    this.rows = board.rows.filter((row) => row.table === index);
    this.rankings = board.values.rankings.map((one, number) => ({ ...one, number })).filter((one) => one.table === index);
    this.metrics = board.values.metrics.filter((one) => one.task === this.task && this.rankings.some((its) => its.metric === one.metric));
    this.primary = this.metrics.find((one) => one.primary) ?? this.metrics[0];
    this.labels = [...new Set(this.rankings.map((one) => one.labels))].sort((a, b) => (b ?? Infinity) - (a ?? Infinity));
    this.all = board.values.all_labels[index]; // labelled scenes where none are left out
    this.address = `#/table/${index}`;
  }

  labelText(labels) {
    return labels === null && this.all ? `all ${count(this.all)}` : labelText(labels);
  }

  ranking(labels, metric) {
    return this.rankings.find((one) => one.labels === labels && one.metric === metric.metric);
  }

  // The first of the conditions is the one that ranks.
  conditions(labels = this.labels[0], metric = this.primary) {
    return this.ranking(labels, metric)?.conditions ?? [];
  }

  // The task, and what else distinguishes the table; `brief` leaves out the budget that all share.
  get title() {
    const { task, dataset, test_dataset, train_condition, budget } = this.facts;
    const tested = test_dataset && test_dataset !== dataset ? `, tested on ${test_dataset}` : "";
    const short = `${dataset}${tested}, trained on ${train_condition}`;
    const rest = `${short}, budget ${this.board.values.budgets[budget]}`;
    return { task, rest, brief: this.board.budget === null ? rest : short };
  }
}

export const nameOf = (row) => shortened(row.entrant) + row.adapted + row.pretrained;

export const hasValue = (row) => row?.state === "done" && row.value !== null;

export const labelText = (labels) => (labels === null ? "all" : count(labels));
